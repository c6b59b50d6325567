import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cutFile } from "../../fixtures/cut.ts";
import { decodedFrames, ffmpeg } from "../../fixtures/media.ts";
import { split } from "../../fixtures/split-world.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const CODECS = { vp8: ["libvpx"], vp9: ["libvpx-vp9", "-row-mt", "1"] };

/** Two seconds in each size with a keyframe every 15 frames, as a browser records a call. */
async function record(codec: keyof typeof CODECS, ...sizes: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const [number, size] of sizes.entries()) {
    const encoder = ["-c:v", ...CODECS[codec], "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-g", "15"];
    const video = `testsrc2=duration=2:size=${size}:rate=15`;
    await ffmpeg("-f", "lavfi", "-i", video, ...encoder, join(folder, `${number}.webm`));
  }
  const list = join(folder, "list.txt");
  await writeFile(list, sizes.map((_, number) => `file '${number}.webm'\n`).join(""));
  const path = join(folder, "recorded.webm");
  await ffmpeg("-f", "concat", "-i", list, "-c", "copy", path);
  return path;
}

describe("a video whose frame size changes within the file", () => {
  it.each(["vp8", "vp9"] as const)("%s: exact is rejected before any segment is announced", async (codec) => {
    const file = await record(codec, "160x90", "120x120");
    const { events } = await split({ file, cut: "exact", request: { key: "uploads/call.webm", segmentSeconds: 1.5 } });
    expect(events.map(({ type }) => type)).toEqual(["SplitPlanned", "VideoRejected"]);
    expect(events.at(-1)!.data).toMatchObject({
      rejection: {
        reason: "UnsupportedCut",
        message: expect.stringMatching(/size changes within the file, from 160 x 90 to 120 x 120.*"keyframe"/),
      },
    });
  });

  it.each(["vp8", "vp9"] as const)(
    "%s: keyframe copies it, and each document has its segment's size",
    { tags: "full" },
    async (codec) => {
      const file = await record(codec, "160x90", "120x120");
      const { events } = await split({
        file,
        cut: "keyframe",
        request: { key: "uploads/call.webm", segmentSeconds: 2 },
      });
      const segments = events.filter(({ type }) => type === "SegmentCreated").map(({ data }) => data);
      // Segments may be announced in any order.
      const expected = [
        { segment_index: 0, size: [160, 90], frames: 30, made: "copied" },
        { segment_index: 1, size: [120, 120], frames: 30, made: "copied" },
      ].map((segment) => expect.objectContaining(segment));
      expect(segments).toHaveLength(2);
      expect(segments).toEqual(expect.arrayContaining(expected));
    },
  );

  it.each(["mpeg2video", "mpeg4"])(
    "%s: exact scales the frames after the change, and cuts all of it",
    { tags: "full" },
    async (codec) => {
      const folder = await temporaryFolder();
      const sizes = ["160x90", "128x96"];
      for (const [number, size] of sizes.entries()) {
        const video = ["-f", "lavfi", "-i", `testsrc2=duration=2:size=${size}:rate=25`];
        await ffmpeg(...video, "-c:v", codec, "-g", "10", join(folder, `${number}.ts`));
      }
      const path = join(folder, "broadcast.ts");
      const parts = sizes.map((_, number) => join(folder, `${number}.ts`)).join("|");
      await ffmpeg("-i", `concat:${parts}`, "-c", "copy", path);
      const directory = await temporaryFolder();
      const { segments } = await cutFile(path, { cut: "exact", segmentSeconds: 1.5, directory });
      expect(segments).toHaveLength(3);
      for (const { made, proof } of segments)
        expect({ made, size: proof.size }).toEqual({ made: "encoded", size: [160, 90] });
      const frames = segments.reduce((sum, { proof }) => sum + proof.frames, 0);
      expect(frames).toBe((await decodedFrames(path))[0]!.length);
    },
  );

  it("exact cuts a video with one size", { tags: "full" }, async () => {
    const path = await record("vp8", "160x90", "160x90");
    const { segments } = await cutFile(path, { cut: "exact", segmentSeconds: 1.5, directory: await temporaryFolder() });
    const frames = await decodedFrames(...segments.map((segment) => segment.path));
    expect(frames.flat()).toHaveLength(60);
  });
});
