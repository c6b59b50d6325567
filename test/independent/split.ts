import { copyFile, mkdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import type { Cut, VideoSplitEvent } from "#events-schema";
import { split, type World } from "../fixtures/split-world.ts";
import type { Produced } from "./report.ts";

export type SplitSettings = { cut: Cut; seconds: number; boundary: World["boundary"] };

/** Splits a file with the real use case, and copies each uploaded segment into `folder`. */
export async function splitFile(
  path: string,
  { cut, seconds, boundary }: SplitSettings,
  folder: string,
): Promise<Produced> {
  await mkdir(folder, { recursive: true });
  const files = new Map<string, string>();
  const { outcome, events, left } = await split({
    file: path,
    boundary,
    request: { cut, segmentSeconds: seconds, key: `uploads/${basename(path)}` },
    onUpload: async (key, segment) => {
      const copy = join(folder, `${files.size}${extname(key)}`);
      files.set(key, copy);
      await copyFile(segment, copy);
    },
  });
  const of = <T extends VideoSplitEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<VideoSplitEvent, { type: T }> => event.type === type);
  const [rejected] = of("VideoRejected");
  const ended = of("VideoSplit")[0]?.data;
  const made = outcome instanceof Error ? "failed" : (outcome as { outcome: string }).outcome;
  const error = outcome instanceof Error ? `${outcome.name}: ${outcome.message}` : "";
  const rejection = rejected?.data.rejection;
  return {
    outcome: made === "split" || made === "rejected" ? made : "failed",
    detail: rejection === undefined ? error : `${rejection.reason}: ${rejection.message}`,
    planned: of("SplitPlanned")[0]?.data,
    created: of("SegmentCreated").map(({ data }) => data),
    ended,
    files,
    left,
  };
}
