import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ffmpegMediaTools } from "../../../services/ffmpeg/index.ts";
import { keyframePlanner } from "../../../services/split/domain/cut-plan.ts";
import { binaries, decodedFrames, ffprobe, makeMedia, type Trait, videoPackets } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

const NEVER = new AbortController().signal;

/** Opens a file as the split service opens an object. */
async function openFile(path: string) {
  const media = await ffmpegMediaTools(await binaries).open({
    size: (await stat(path)).size,
    async *read(start, end, signal) {
      for await (const chunk of createReadStream(path, { start, end })) {
        if (signal.aborted) return;
        yield chunk as Uint8Array;
      }
    },
  });
  onTestFinished(() => media.close());
  return media;
}

async function cut(trait: Trait, segmentSeconds: number) {
  const folder = await temporaryFolder();
  const path = await makeMedia(folder, trait);
  const media = await openFile(path);
  const description = await media.describe(NEVER);
  const planner = keyframePlanner(segmentSeconds);
  await media.scan(description, NEVER, planner.add);
  const plan = planner.finish(25)!;
  const [container] = media.containers(description, extname(path).slice(1));
  const files: string[] = [];
  const job = {
    format: description.format,
    video: description.video!.index,
    audio: description.audio.map(({ index }) => index),
    container: container!,
    starts: plan.segments.slice(1).map(({ firstFrame }) => firstFrame),
    directory: await temporaryFolder(),
    signal: NEVER,
  };
  for await (const file of media.cut(job)) files.push(file.path);
  return { path, plan, files };
}

const LOSSLESS: [Trait, number][] = [
  ["keyframe-each-second.mp4", 2],
  ["b-frames.mp4", 2],
  ["moov-at-end.mov", 2],
  ["fragmented.mp4", 2],
  ["no-audio.mp4", 2],
  ["ntsc.mp4", 2],
  ["matroska.mkv", 2],
  ["vp8.webm", 2],
  ["transport-stream.ts", 2],
  ["mpeg4.avi", 2],
  ["flash.flv", 2],
  ["mpeg2-program-stream.mpg", 2],
  ["mpeg2-with-b-frames.mpg", 2],
  ["windows-media.wmv", 2],
  ["theora.ogv", 2],
];

describe("cutting on keyframes", () => {
  it.each(LOSSLESS)(
    "%s: the segments hold each frame of the source once, in order, and decode to the same pictures",
    async (trait, seconds) => {
      const { path, plan, files } = await cut(trait, seconds);

      expect(files).toHaveLength(plan.segments.length);
      expect(files.length).toBeGreaterThan(1);
      const source = await decodedFrames(path);
      const segments = await Promise.all(files.map(decodedFrames));
      expect(segments.flat()).toEqual(source);
      expect(segments.map((frames) => frames.length)).toEqual(plan.segments.map(({ frames }) => frames));
    },
  );

  it("starts each segment on a keyframe and at zero", async () => {
    const { files } = await cut("b-frames.mp4", 2);
    for (const file of files) {
      expect((await videoPackets(file))[0]?.key).toBe(true);
      expect(
        Number(await ffprobe("-select_streams", "v:0", "-show_entries", "stream=start_time", "-of", "csv=p=0", file)),
      ).toBe(0);
    }
  });

  it("moves boundaries to the keyframes that are there", async () => {
    const { plan, files } = await cut("one-keyframe-in-five-seconds.mp4", 2);
    expect(plan.segments.map(({ start, end }) => [start, end])).toEqual([
      [0, 5],
      [5, 10],
      [10, 12],
    ]);
    expect(files).toHaveLength(3);
  });

  it("makes no segment of a few frames where the audio is longer than the video", async () => {
    const { files } = await cut("audio-longer.mp4", 2);
    expect(files).toHaveLength(2);
  });

  it("keeps each segment's duration to its own frames and sound", async () => {
    const { files } = await cut("keyframe-each-second.mp4", 2);
    for (const file of files) {
      const duration = Number(await ffprobe("-show_entries", "format=duration", "-of", "csv=p=0", file));
      expect(duration).toBeGreaterThan(1.95);
      expect(duration).toBeLessThan(2.1);
    }
  });

  it("writes the same bytes when it's done again", async () => {
    const [once, again] = [await cut("matroska.mkv", 2), await cut("matroska.mkv", 2)];
    const bytes = async (files: string[]) => Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(await bytes(once.files)).toEqual(await bytes(again.files));
  });

  it.each<[Trait, string]>([
    ["b-frames.mp4", "from its index, without a process"],
    ["matroska.mkv", "by reading it"],
  ])("counts the frames of a segment of %s %s", async (trait, how) => {
    const { plan, files } = await cut(trait, 2);
    const found = await binaries;
    const ffprobe = how === "by reading it" ? found.ffprobe : "/nonexistent/ffprobe";
    const media = await ffmpegMediaTools({ ...found, ffprobe }).open({ size: 0, async *read() {} });
    onTestFinished(() => media.close());
    const counted = await Promise.all(files.map((file) => media.countFrames(file, NEVER)));
    expect(counted).toEqual(plan.segments.map(({ frames }) => frames));
  });

  it("leaves no ffmpeg behind when the reader stops early", async () => {
    const folder = await temporaryFolder();
    const media = await openFile(await makeMedia(folder, "keyframe-each-second.mp4"));
    const description = await media.describe(NEVER);
    const [container] = media.containers(description, "mp4");
    const directory = await temporaryFolder();
    const segments = media.cut({
      format: description.format,
      video: 0,
      audio: [],
      container: container!,
      starts: [50, 100],
      directory,
      signal: NEVER,
    });
    for await (const { index } of segments) {
      expect(index).toBe(0);
      break;
    }
    // The generator's end awaits the child's: nothing writes any more, so a second look finds the same.
    expect(await segments[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
  });

  it("throws the reason when it's aborted", async () => {
    const folder = await temporaryFolder();
    const media = await openFile(await makeMedia(folder, "keyframe-each-second.mp4"));
    const description = await media.describe(NEVER);
    await expect(media.scan(description, AbortSignal.abort(new Error("out of time")), () => {})).rejects.toThrow(
      "out of time",
    );
  });
});
