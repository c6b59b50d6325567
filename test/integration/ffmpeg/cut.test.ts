import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import { planCut } from "../../../services/split/plan-cut.ts";
import { type CutOptions, cutFile, NEVER, openFile, recordingLog } from "../../fixtures/cut.ts";
import { decodedFrames, ffmpeg, ffprobe, makeMedia, type Trait, videoPackets } from "../../fixtures/media.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

async function cut(trait: Trait, segmentSeconds: number, options: Partial<CutOptions> = {}) {
  const video = await makeMedia(await temporaryFolder(), trait);
  return cutFile(video, { cut: "keyframe", segmentSeconds, directory: await temporaryFolder(), ...options });
}

/** By kind of container: one of each, and the others. */
const LOSSLESS: [string[], Trait[]][] = [
  [[], ["b-frames.mp4", "matroska.mkv", "transport-stream.ts"]],
  [
    ["full"],
    [
      "keyframe-each-second.mp4",
      "moov-at-end.mov",
      "fragmented.mp4",
      "no-audio.mp4",
      "ntsc.mp4",
      "fine-ticks.mp4",
      "vp8.webm",
      "mpeg4.avi",
      "flash.flv",
      "mpeg2-program-stream.mpg",
      "mpeg2-with-b-frames.mpg",
      "windows-media.wmv",
      "theora.ogv",
    ],
  ],
];

describe("cutting on keyframes", () => {
  for (const [tags, traits] of LOSSLESS)
    it.each(traits)(
      "%s: the segments have each frame of the source once, in order, and decode to the same frames",
      { tags },
      async (trait) => {
        const { path, plan, files, segments: made } = await cut(trait, 2);

        expect(files).toHaveLength(plan.segments.length);
        expect(files.length).toBeGreaterThan(1);
        const [source, ...segments] = await decodedFrames(path, ...files);
        expect(segments.flat()).toEqual(source);
        expect(made.map(({ proof }) => proof.frames)).toEqual(segments.map((frames) => frames.length));
        expect(made.every(({ proof, made: how }) => how === "copied" && proof.copiedFrames === proof.frames)).toBe(
          true,
        );
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

  it("moves boundaries to existing keyframes", { tags: "full" }, async () => {
    const { plan, files } = await cut("one-keyframe-in-five-seconds.mp4", 2);
    expect(plan.segments.map(({ start, end }) => [start, end])).toEqual([
      [0, 5],
      [5, 10],
      [10, 12],
    ]);
    expect(files).toHaveLength(3);
  });

  it("makes no segment of a few frames when the audio is longer than the video", { tags: "full" }, async () => {
    const { files } = await cut("audio-longer.mp4", 2);
    expect(files).toHaveLength(2);
  });

  it("limits each segment's duration to its own frames and audio", { tags: "full" }, async () => {
    const { files } = await cut("keyframe-each-second.mp4", 2);
    for (const file of files) {
      const duration = Number(await ffprobe("-show_entries", "format=duration", "-of", "csv=p=0", file));
      expect(duration).toBeGreaterThan(1.95);
      expect(duration).toBeLessThan(2.1);
    }
  });

  it("writes the same bytes when it's repeated", { tags: "full" }, async () => {
    const [once, again] = [await cut("matroska.mkv", 2), await cut("matroska.mkv", 2)];
    const bytes = async (files: string[]) => Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(await bytes(once.files)).toEqual(await bytes(again.files));
  });

  const LATER = "continues from a later segment as if it had made the earlier ones";
  it.each<["keyframe" | "exact", Trait, number]>([
    ["keyframe", "b-frames.mp4", 1.5],
    ["exact", "vp8.webm", 2.5],
  ])(`%s, %s: ${LATER}`, { tags: "full" }, goesOn);

  it(`exact: ${LATER}`, () => goesOn("exact", "b-frames.mp4", 1.5));

  async function goesOn(kind: "keyframe" | "exact", trait: Trait, segmentSeconds: number): Promise<void> {
    const video = await makeMedia(await temporaryFolder(), trait);
    const cutFrom = async (from: number) =>
      cutFile(video, { cut: kind, segmentSeconds, from, directory: await temporaryFolder() });
    const [whole, rest] = [await cutFrom(0), await cutFrom(2)];
    // An encoder that begins later writes other bytes for the same frames.
    const shape = ({ index, made, bytes, proof }: (typeof whole.segments)[number]) => ({
      ...{ index, made, proof },
      ...(made !== "encoded" && { bytes }),
    });
    expect(rest.segments.map(shape)).toEqual(whole.segments.slice(2).map(shape));
    expect(rest.segments.length).toBeGreaterThan(0);
    expect(await readdir(rest.directory)).toHaveLength(rest.segments.length);
  }

  it.each(["keyframe", "exact"] as const)(
    "%s: leaves no ffmpeg process when the consumer stops early",
    async (kind) => {
      const opened = await openFile(await makeMedia(await temporaryFolder(), "b-frames.mp4"));
      onTestFinished(() => opened.close());
      const media = await opened.describe(NEVER);
      const index = new PacketIndex();
      await media.scan(NEVER, index.add);
      const plan = planCut(index, { cut: kind, segmentSeconds: 1.5, outputKeyPrefix: "" }, { averageFps: 25 });
      const [container] = media.containers("mp4", index);
      const directory = await temporaryFolder();
      const { log } = recordingLog();
      const segments = media.cut({
        container: container!,
        cut: plan.cut,
        from: 0,
        last: plan.segments.length - 1,
        directory,
        signal: NEVER,
        log,
      });
      for await (const { index: first } of segments) {
        expect(first).toBe(0);
        break;
      }
      // The generator's end waits for the child: nothing writes any more, so a second check finds the
      // same.
      expect(await segments[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
    },
  );

  it("throws the reason when it's aborted", async () => {
    const opened = await openFile(await makeMedia(await temporaryFolder(), "keyframe-each-second.mp4"));
    onTestFinished(() => opened.close());
    const media = await opened.describe(NEVER);
    await expect(media.scan(AbortSignal.abort(new Error("out of time")), () => {})).rejects.toThrow("out of time");
  });
});

describe("a video that was trimmed without encoding it: its edit lists hide what is behind 4.1 seconds", () => {
  /** Version 0: a version, the number of edits, and the first one's duration in milliseconds. */
  const DURATION_AT = 12;

  async function trimmed(): Promise<string> {
    const path = await makeMedia(await temporaryFolder(), "b-frames.mp4");
    const bytes = await readFile(path);
    for (let at = bytes.indexOf("elst"); at !== -1; at = bytes.indexOf("elst", at + 1))
      bytes.writeUInt32BE(4_100, at + DURATION_AT);
    await writeFile(path, bytes);
    return path;
  }

  it.each(["keyframe", "exact"] as const)("%s: segments have the frames and the audio that are shown", async (kind) => {
    const video = await trimmed();
    const { files, segments } = await cutFile(video, {
      ...{ cut: kind, segmentSeconds: 2, directory: await temporaryFolder() },
    });
    const [source, ...made] = await decodedFrames(video, ...files);
    // Of a group with B-frames, the first ones behind the end were needed for those in front of it.
    expect(source).toHaveLength(103);
    expect(made.map(({ length }) => length)).toEqual([50, 53]);
    expect(made[0]).toEqual(source!.slice(0, 50));
    expect(segments.map(({ proof }) => proof.frames)).toEqual([50, 53]);
    expect(segments.at(-1)!.proof.audio![0]!.end).toBeCloseTo(4.1, 2);
  });
});

describe("a video with a frame that is presented before it's decoded, whose time ffmpeg changes when it copies it", () => {
  async function withEarlyFrame(): Promise<string> {
    const path = join(await temporaryFolder(), "early.mp4");
    const frames = ["-c:v", "libx264", "-bf", "3", "-b_strategy", "0", "-x264-params", "b-pyramid=normal"];
    // ffmpeg's reader doesn't regard the last two offsets, of which one is the least.
    const offsets = ["-movflags", "negative_cts_offsets"];
    await ffmpeg("-f", "lavfi", "-i", "testsrc2=duration=0.2:size=160x90:rate=25", ...frames, ...offsets, path);
    return path;
  }

  it("keyframe: isn't copied with another time", async () => {
    const options = { cut: "keyframe", segmentSeconds: 2, directory: await temporaryFolder() } as const;
    await expect(cutFile(await withEarlyFrame(), options)).rejects.toThrow("the source has it at 0.04 s");
  });

  it("exact: is encoded", async () => {
    const options = { cut: "exact", segmentSeconds: 2, directory: await temporaryFolder() } as const;
    const { files, segments } = await cutFile(await withEarlyFrame(), options);
    expect(segments.map(({ made, proof }) => [made, proof.frames])).toEqual([["encoded", 5]]);
    const times = await ffprobe(
      "-select_streams",
      "v:0",
      "-show_entries",
      "frame=pts_time",
      "-of",
      "csv=p=0",
      files[0]!,
    );
    expect(times.trim().split(/\s+/).map(Number.parseFloat)).toEqual([0, 0.04, 0.08, 0.12, 0.16]);
  });
});
