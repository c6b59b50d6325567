import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { decodedFrames, ffmpeg } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const SECONDS = 6;
const FPS = 25;
const VIDEO = ["-f", "lavfi", "-i", `testsrc2=duration=${SECONDS}:size=160x90:rate=${FPS}`];
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];

/** Intra refresh: one column of each frame is intra-coded, in rounds of a second. */
async function withIntraRefresh(name: string): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await ffmpeg(...VIDEO, ...X264, "-x264-params", "intra-refresh=1:keyint=25", path);
  return path;
}

/**
 * A keyframe every two seconds, and no sync sample table: then every frame counts as a keyframe.
 */
async function withoutSyncTable(): Promise<string> {
  const path = join(await temporaryFolder(), "all-sync.mp4");
  await ffmpeg(...VIDEO, ...X264, "-g", "50", path);
  const bytes = await readFile(path);
  bytes.write("free", bytes.indexOf("stss"));
  await writeFile(path, bytes);
  return path;
}

describe("a keyframe cut of a source with wrong keyframe flags", () => {
  it.each([
    ["intra refresh in MP4", () => withIntraRefresh("refresh.mp4"), [SECONDS * FPS]],
    ["intra refresh in Matroska", () => withIntraRefresh("refresh.mkv"), [SECONDS * FPS]],
    ["intra refresh in a transport stream", () => withIntraRefresh("refresh.ts"), [SECONDS * FPS]],
    ["an MP4 without a table of keyframes", withoutSyncTable, [50, 50, 50]],
  ] as const)("%s: begins segments only where a decoder can begin", async (_, make, expected) => {
    const directory = await temporaryFolder();
    const { segments } = await cutFile(await make(), { cut: "keyframe", segmentSeconds: 1.5, directory });
    const frames = (await decodedFrames(...segments.map(({ path }) => path))).map(({ length }) => length);
    expect(frames).toEqual(expected);
    expect(segments.map(({ proof }) => proof.undecodable)).toEqual(expected.map(() => 0));
  });
});
