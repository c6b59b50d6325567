import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import type { RangedSource } from "../../../services/ffmpeg/source/ranged-source.ts";
import type { Log } from "../../../services/video/ports/log.ts";
import { compare } from "../../fixtures/compare.ts";
import { type CutOptions, cutFile, rangedFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { outcomesById } from "../../fixtures/outcomes.ts";
import { openLedger, outOfTimeAt, split } from "../../fixtures/split-world.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** A log that keeps its messages. */
function keepingLog(): { log: Log; messages: string[] } {
  const messages: string[] = [];
  const add = (message: string) => void messages.push(message);
  const log: Log = { info: add, warn: add, with: () => log };
  return { log, messages };
}

const eventsById = (...runs: { events: VideoSplitEvent[] }[]) => outcomesById(runs.flatMap(({ events }) => events));

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=30000/1001:duration=12"];
const SOUND = ["-f", "lavfi", "-i", "sine=duration=12:sample_rate=44100"];
const ALL = ["-map", "0", "-map", "1", "-map", "2"];
const VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "40"];
const VP8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "40"];
const MPEG4 = ["-c:v", "mpeg4", "-g", "40", "-bf", "2"];
const H264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "40"];
/** AVI has empty chunks for frames that are missing. */
const withoutFrames = (numbers: string): string[] => {
  const isOne = numbers.split(",").map((number) => `eq(n,${number})`);
  return ["-vf", `select='not(${isOne.join("+")})'`, "-vsync", "vfr"];
};

type Case = { file: string; options: string[]; cuts: ("keyframe" | "exact")[]; isEncoded?: boolean; isFull?: boolean };

/** Containers, codecs and layouts of the source. `isEncoded`: by one encoder, which begins where the cut does. */
const CASES: Case[] = [
  { file: "moov-at-end.mp4", options: [...SOUND, ...H264], cuts: ["exact"] },
  { file: "moov-at-end.mp4", options: [...SOUND, ...H264], cuts: ["keyframe"], isFull: true },
  { file: "two-audio-tracks.mp4", options: [...SOUND, ...SOUND, ...ALL, ...H264], cuts: ["keyframe"], isFull: true },
  { file: "no-audio.mp4", options: H264, cuts: ["keyframe"], isFull: true },
  {
    file: "starts-at-an-hour.mp4",
    options: [...SOUND, ...H264, "-output_ts_offset", "3600.0123"],
    cuts: ["exact"],
    isFull: true,
  },
  {
    file: "fragmented.mp4",
    options: [...SOUND, ...H264, "-movflags", "frag_keyframe+empty_moov"],
    cuts: ["keyframe"],
    isFull: true,
  },
  { file: "pcm.mov", options: [...SOUND, ...H264, "-c:a", "pcm_s16le"], cuts: ["exact"], isFull: true },
  { file: "opus.mkv", options: [...SOUND, ...H264, "-c:a", "libopus"], cuts: ["keyframe"], isFull: true },
  // Its groups of pictures reach across boundaries: a cut on keyframes leaves frames that can't be decoded.
  {
    file: "hevc.mkv",
    options: [...SOUND, "-c:v", "libx265", "-x265-params", "keyint=40:log-level=error"],
    cuts: ["exact"],
    isFull: true,
  },
  { file: "b-frames.ts", options: [...SOUND, ...H264], cuts: ["keyframe", "exact"], isFull: true },
  // Its clock has 33 bits, and begins again from zero at half of its length.
  { file: "wraps.ts", options: [...SOUND, ...H264, "-output_ts_offset", "95438"], cuts: ["exact"], isFull: true },
  { file: "mpeg4.avi", options: [...SOUND, ...MPEG4, "-c:a", "libmp3lame"], cuts: ["keyframe"], isFull: true },
  { file: "opus.ogg", options: [...SOUND, ...VP8, "-c:a", "libopus"], cuts: ["keyframe"], isFull: true },
  {
    file: "mpeg2.mpg",
    options: [...SOUND, "-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"],
    cuts: ["exact"],
    isEncoded: true,
    isFull: true,
  },
  { file: "vp9.webm", options: [...SOUND, ...VP9], cuts: ["exact"], isFull: true },
  { file: "mpeg4.mp4", options: [...SOUND, ...MPEG4], cuts: ["exact"], isFull: true },
];

/** An encoder that begins elsewhere writes other bytes; frames and their times are the same. */
function withoutBytes({ type, data }: { type: string; data: unknown }): unknown {
  const { checksum: _checksum, bytes: _bytes, proof, ...rest } = data as Record<string, unknown>;
  const { max_audio_offset_ms: _offset, max_audio_gap_ms: _gap, ...frames } = (proof ?? {}) as Record<string, unknown>;
  return { type, ...rest, ...frames };
}

for (const { file: name, options, cuts, isEncoded = false, isFull = false } of CASES) {
  for (const cut of cuts) {
    const title = `given time runs out in mid-video (${name}, ${cut}), then the next invocation begins there, and makes what a single one makes`;
    it(title, { tags: isFull ? ["full"] : [] }, async () => {
      const file = join(await temporaryFolder(), name);
      await ffmpeg(...VIDEO, ...options, file);
      const whole = await split({ file, cut });

      const ledger = openLedger();
      const first = await split({ file, cut, ledger, ...outOfTimeAt(5) });
      const { log, messages } = keepingLog();
      const { last_segment: lastSegment } = first.events.find(({ type }) => type === "SegmentRangeRequested")!.data as {
        last_segment: number;
      };
      const continuation = { request: { continuation: { lastSegment, invocation: 2 }, messageId: "m2" } };
      const second = await split({ file, cut, ledger, log, ...continuation });

      expect(first.outcome).toMatchObject({ outcome: "continued" });
      expect(second.outcome).toEqual(whole.outcome);
      const compared = (...runs: { events: VideoSplitEvent[] }[]) =>
        new Map([...eventsById(...runs)].map(([id, event]) => [id, isEncoded ? withoutBytes(event) : event]));
      expect(compared(first, second)).toEqual(compared(whole));
      expect(messages).toContain("Reading from a seek point");
      expect(messages.filter((message) => message.includes("from its start"))).toEqual([]);
    });
  }
}

const hashOf = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

/** Segments of a file, each with a hash of its bytes, and the cut's messages. */
async function segmentsOf(file: string, options: Omit<CutOptions, "directory">) {
  const made = await cutFile(file, { directory: await temporaryFolder(), ...options });
  expect([made.ending, made.warnings]).toEqual([{ type: "complete" }, []]);
  const hashed = made.segments.map(async ({ path, index, made: way }) => ({
    ...{ index, made: way, content: await hashOf(path) },
  }));
  return { segments: await Promise.all(hashed), index: made.index, infos: made.infos };
}

const SEEKS = "Reading from a seek point";

it("given a transport stream whose clock begins again, when it's cut from behind that, then the right part is read", async () => {
  const folder = await temporaryFolder();
  const [one, other, file] = ["one.ts", "other.ts", "restarts.ts"].map((name) => join(folder, name));
  await ffmpeg(...VIDEO, ...SOUND, ...H264, one!);
  await ffmpeg(...VIDEO, ...SOUND, "-vf", "negate", ...H264, other!);
  await writeFile(file!, [await readFile(one!), await readFile(other!)]);
  const cut = { cut: "keyframe", segmentSeconds: 4 } as const;
  const whole = await segmentsOf(file!, cut);
  for (const from of [2, whole.segments.length - 1]) {
    const { segments, infos } = await segmentsOf(file!, { ...cut, from });
    expect(segments).toEqual(whole.segments.slice(from));
    expect(infos).not.toContain(SEEKS);
  }
});

type Encoded = { file: string; options: string[]; segmentSeconds: number };

const ENCODED: Encoded[] = [
  // One encoder makes two of its segments, or what a range has of them.
  { file: "vp9.webm", options: [...SOUND, ...VP9], segmentSeconds: 1 },
  {
    file: "mpeg2.ts",
    options: [...SOUND, "-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"],
    segmentSeconds: 3,
  },
  {
    file: "av1.mkv",
    options: ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"],
    segmentSeconds: 5,
  },
  // x264 takes no odd sizes without a change, so this isn't stitched.
  { file: "odd.mkv", options: [...H264, "-s", "81x61", "-pix_fmt", "yuv444p"], segmentSeconds: 5 },
];

for (const { file: name, options, segmentSeconds } of ENCODED)
  it(`given a range of a video that is encoded as a whole (${name}), then its segments have the bytes of one cut`, {
    tags: "full",
  }, async () => {
    const file = join(await temporaryFolder(), name);
    await ffmpeg(...VIDEO, ...options, file);
    const cut = { cut: "exact", segmentSeconds } as const;
    const { segments: whole, index } = await segmentsOf(file, cut);
    expect(new Set(whole.map(({ made }) => made))).toEqual(new Set(["encoded"]));
    const last = whole.length - 1;
    for (const range of [{ from: 1 }, { from: last }, { from: Math.floor(last / 2), last: last - 1 }]) {
      const { segments } = await segmentsOf(file, { ...cut, ...range, index });
      expect(segments).toEqual(whole.slice(range.from, (range.last ?? last) + 1));
    }
  });

const MB = 1024 * 1024;

/** Ten minutes of few and small frames, which filler data brings to 37 MB. */
const LONG = [
  ...["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=5:duration=600"],
  ...["-f", "lavfi", "-i", "sine=duration=600:sample_rate=8000"],
  ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-b:v", "500k", "-maxrate", "500k", "-bufsize", "500k"],
  ...["-x264-params", "nal-hrd=cbr:bframes=2", "-c:a", "aac", "-b:a", "16k"],
];

const RANGES = 4;

/**
 * What each range may fetch beside its segments: what describes the source, and what connections
 * and reading ahead hold when the last segment is complete.
 */
const FIXED_BYTES = 4 * MB;

/** To find the tracks of a transport stream, ffmpeg reads its first 20 seconds, or its first 20 MB. */
const PROBED_BYTES = 3 * MB;

type Ranged = { file: string; cut: CutOptions["cut"]; fixed: number; options?: string[] };

const RANGED: Ranged[] = [
  { file: "ranges.mp4", cut: "exact", fixed: FIXED_BYTES },
  { file: "ranges.mkv", cut: "keyframe", fixed: FIXED_BYTES },
  { file: "ranges.mp4", cut: "keyframe", fixed: FIXED_BYTES },
  { file: "ranges.mkv", cut: "exact", fixed: FIXED_BYTES },
  {
    file: "ranges.ts",
    cut: "keyframe",
    fixed: FIXED_BYTES + PROBED_BYTES,
    options: ["-muxrate", "1100k"],
  },
];

for (const { file: name, cut, fixed, options = [] } of RANGED)
  it(`given a video is cut in ranges (${name}, ${cut}), then their segments are those of one cut, and each reads its part`, {
    tags: "full",
  }, async () => {
    const file = join(await temporaryFolder(), name);
    await ffmpeg(...LONG, ...options, file);
    const segmentSeconds = 75;
    const whole = await segmentsOf(file, { cut, segmentSeconds });
    const { size, read } = await rangedFile(file);
    let fetched = 0;
    const source: RangedSource = {
      size,
      read: (start, end, signal) => {
        fetched += end - start + 1;
        return read(start, end, signal);
      },
    };
    for (let range = 0; range < RANGES; range += 1) {
      const [from, next] = [range, range + 1].map((at) => Math.floor((whole.segments.length * at) / RANGES));
      const reading = { cut, segmentSeconds, index: whole.index, source };
      const { segments, infos } = await segmentsOf(file, { ...reading, from: from!, last: next! - 1 });
      expect(segments).toEqual(whole.segments.slice(from, next));
      expect(infos.includes(SEEKS)).toBe(range > 0);
    }
    expect(fetched).toBeLessThanOrEqual(1.1 * size + RANGES * fixed);
  });

/** One encoder makes all of it. AVI has decode times only; ffmpeg can't write this H.264 to it, but to the next container. */
const DECODED: { file: string; options: string[]; container?: number; isFull?: boolean; isSeeked?: boolean }[] = [
  { file: "h264.avi", options: [...SOUND, ...H264, "-c:a", "libmp3lame"], container: 1 },
  // How much later frames are shown than decoded changes where some are missing: it's read from its start.
  { file: "gaps.avi", options: [...H264, ...withoutFrames("1,2,130,131")], container: 1, isSeeked: false },
  { file: "mpeg4.avi", options: [...MPEG4], isFull: true },
  { file: "mpeg2.mpg", options: ["-c:v", "mpeg2video", "-bf", "2", "-g", "15"], isFull: true },
  { file: "vp8.ogg", options: [...VP8], isFull: true },
];

for (const { file: name, options, container = 0, isFull = false, isSeeked = true } of DECODED)
  it(`given a range of a video that is decoded from its middle on (${name}), then it has its own frames of the source`, {
    tags: isFull ? ["full"] : [],
  }, async () => {
    const file = join(await temporaryFolder(), name);
    await ffmpeg(...VIDEO, ...options, file);
    const cut = { cut: "exact", segmentSeconds: 2.5, container } as const;
    const before = await cutFile(file, { ...cut, last: 2, directory: await temporaryFolder() });
    const behind = await cutFile(file, { ...cut, from: 3, directory: await temporaryFolder() });
    const segments = [...before.segments, ...behind.segments];
    const { decibels, sourceTimes } = await compare(
      file,
      segments.map(({ path, proof }) => ({ path, frames: proof.frames })),
    );
    expect(behind.infos.includes(SEEKS)).toBe(isSeeked);
    expect(decibels.map(({ length }) => length)).toEqual(segments.map(({ proof }) => proof.frames));
    expect(decibels.flat()).toHaveLength(sourceTimes.length);
    expect(Math.min(...decibels.flat())).toBeGreaterThan(40);
  });
