import { copyFile, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EventData } from "#events-schema";
import { type Overwriting, writeDamaged } from "../../fixtures/damaged.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { split } from "../../fixtures/split-world.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** A damaged stretch changes no segment but those that it's in. */

const SECONDS = 15;
const X = 3;
/** Of the bytes: seconds 5 to 7.5. */
const A_THIRD = { from: 1 / 3, to: 1 / 2 };
/** Of a group of pictures. */
const GROUP_SECONDS = 1.2;

const PICTURE = ["-f", "lavfi", "-i", `testsrc2=duration=${SECONDS}:size=160x90:rate=25`];
const AUDIO = ["-f", "lavfi", "-i", `sine=duration=${SECONDS}:sample_rate=44100`, "-c:a", "aac"];
/** Each second boundary is in the middle of a group of pictures. */
const H264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 30 -keyint_min 30 -sc_threshold 0 -bf 2".split(" ");
const VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30".split(" ");

type Segment = EventData<"SegmentCreated">;

/** Splits a file, and keeps the segments in a folder. */
async function splitInto(folder: string, file: string, cut: "keyframe" | "exact") {
  const onUpload = (key: string, path: string) => copyFile(path, join(folder, basename(key)));
  const { events, outcome } = await split({ file, cut, request: { segmentSeconds: X }, onUpload });
  const segments = events.flatMap((event) => (event.type === "SegmentCreated" ? [event.data] : []));
  const end = events.at(-1);
  if (end?.type !== "VideoSplit") throw new Error(`it ended as ${JSON.stringify(end ?? String(outcome))}`);
  return { segments: segments.sort((one, other) => one.start - other.start), end: end.data };
}

/** Frames that ffmpeg decodes of a segment. */
async function decodedFrames(folder: string, { key }: Segment): Promise<number> {
  const hashes = join(folder, "frames");
  const all = ["-max_error_rate", "1", "-i", join(folder, basename(key)), "-map", "0:v:0", "-vsync", "passthrough"];
  const isDecoded = await ffmpeg(...all, "-f", "framecrc", hashes).then(
    () => true,
    () => false,
  );
  const lines = isDecoded ? (await readFile(hashes, "utf8")).split("\n") : [];
  return lines.filter((line) => line !== "" && !line.startsWith("#")).length;
}

type Case = { file: string; cut: "keyframe" | "exact"; options?: string[]; by?: Overwriting; isFull?: boolean };

const CASES: Case[] = [
  { file: "film.mp4", cut: "exact" },
  { file: "film.mkv", cut: "keyframe", isFull: true },
  { file: "film.ts", cut: "exact", isFull: true },
  { file: "film.mp4", cut: "keyframe", isFull: true },
  { file: "film.ts", cut: "keyframe", by: "noise", isFull: true },
  { file: "vp9.webm", cut: "exact", options: [...PICTURE, ...VP9], isFull: true },
];

describe("a damaged stretch in the middle", () => {
  for (const { file, cut, options = [...PICTURE, ...AUDIO, ...H264], by = "zeros", isFull = false } of CASES) {
    const title = `of ${file}, cut ${cut === "exact" ? "exactly" : "on keyframes"}, overwritten by ${by}: it's named, and the segments before and behind it are those of the undamaged file`;
    it(title, { tags: isFull ? ["full"] : [] }, async () => {
      const folder = await temporaryFolder();
      const [path, damaged] = [join(folder, file), join(folder, `damaged-${file}`)];
      await ffmpeg(...options, path);
      await writeDamaged(path, damaged, { ...A_THIRD, by });
      const whole = await splitInto(folder, path, cut);
      const { segments, end } = await splitInto(folder, damaged, cut);

      expect(whole.end.undecodable).toBeUndefined();
      expect(end.truncated).toBeUndefined();
      expect(end.duration).toBeCloseTo(whole.end.duration, 1);
      const stretches = end.undecodable ?? [];
      const [from, to] = [stretches[0]!.from, stretches.at(-1)!.to];
      expect(Math.abs(from - SECONDS / 3)).toBeLessThan(GROUP_SECONDS);
      expect(Math.abs(to - SECONDS / 2)).toBeLessThan(GROUP_SECONDS);

      const isApart = ({ requested_start, requested_end }: Segment) =>
        requested_end <= from - GROUP_SECONDS || requested_start >= to;
      const contentOf = (all: readonly Segment[]) =>
        all
          .filter(isApart)
          .map(({ requested_start, made, checksum, frames }) => ({ requested_start, made, checksum, frames }));
      expect(contentOf(segments)).toEqual(contentOf(whole.segments));
      expect(contentOf(segments).length).toBeGreaterThanOrEqual(3);

      let decoded = 0;
      for (const segment of segments)
        decoded += isApart(segment) ? segment.frames : await decodedFrames(folder, segment);
      expect(decoded).toBe(end.proof?.segment_frames);
      expect(end.frames).toBe(decoded);
    });
  }
});

it("damage up to the end of a file makes no segment: the split is truncated", async () => {
  const folder = await temporaryFolder();
  const [path, damaged] = [join(folder, "film.mp4"), join(folder, "damaged.mp4")];
  await ffmpeg(...PICTURE, ...AUDIO, ...H264, path);
  await writeDamaged(path, damaged, { from: 0.6, to: 1 });
  const whole = await splitInto(folder, path, "keyframe");
  const { segments, end } = await splitInto(folder, damaged, "keyframe");
  expect(end).toMatchObject({ truncated: true, segment_count: segments.length });
  expect(end.last_readable_time).toBeGreaterThan(8);
  expect(end.last_readable_time).toBeLessThan(10);
  const checksums = (all: readonly Segment[]) => all.slice(0, 2).map(({ checksum }) => checksum);
  expect(checksums(segments)).toEqual(checksums(whole.segments));
  expect(await decodedFrames(folder, segments.at(-1)!)).toBe(segments.at(-1)!.frames);
});
