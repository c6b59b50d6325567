import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import type { Log } from "../../../services/video/ports/log.ts";
import { cutFile } from "../../fixtures/cut.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { openLedger, outOfTimeAt, split } from "../../fixtures/split-world.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** A log that keeps its messages. */
function keepingLog(): { log: Log; messages: string[] } {
  const messages: string[] = [];
  const add = (message: string) => void messages.push(message);
  const log: Log = { info: add, warn: add, with: () => log };
  return { log, messages };
}

const eventsById = (...runs: { events: VideoSplitEvent[] }[]) =>
  new Map(
    runs
      .flatMap(({ events }) => events)
      .filter(({ type }) => type !== "SegmentRangeRequested")
      .map(({ type, data, metadata }) => [metadata.eventId, { type, data }]),
  );

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=12"];
const SOUND = ["-f", "lavfi", "-i", "sine=duration=12:sample_rate=44100"];
const ALL = ["-map", "0", "-map", "1", "-map", "2"];
const VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "40"];
const H264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "40"];

type Case = { file: string; options: string[]; cuts: ("keyframe" | "exact")[]; isEncoded?: boolean; isFull?: boolean };

/** Containers, codecs and layouts of the source. `isEncoded`: nothing but a whole encoding makes it exact. */
const CASES: Case[] = [
  { file: "moov-at-end.mp4", options: [...SOUND, ...H264], cuts: ["exact"] },
  { file: "moov-at-end.mp4", options: [...SOUND, ...H264], cuts: ["keyframe"], isFull: true },
  { file: "two-audio-tracks.mp4", options: [...SOUND, ...SOUND, ...ALL, ...H264], cuts: ["keyframe"], isFull: true },
  { file: "no-audio.mp4", options: H264, cuts: ["keyframe"], isFull: true },
  {
    file: "starts-at-an-hour.mp4",
    options: [...SOUND, ...H264, "-output_ts_offset", "3600"],
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
  { file: "vp9.webm", options: [...SOUND, ...VP9], cuts: ["exact"], isEncoded: true },
  {
    file: "mpeg4.mp4",
    options: [...SOUND, "-c:v", "mpeg4", "-g", "40", "-bf", "2"],
    cuts: ["exact"],
    isEncoded: true,
    isFull: true,
  },
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

/** Longer groups of pictures than segments, B-frames, and audio whose frames reach across boundaries. */
const RANGED: { file: string; options: string[]; cut: "keyframe" | "exact"; isFull?: boolean }[] = [
  { file: "ranges.mp4", options: [...SOUND, ...H264], cut: "exact" },
  { file: "ranges.mkv", options: [...SOUND, ...H264], cut: "keyframe" },
  { file: "ranges.mp4", options: [...SOUND, ...H264], cut: "keyframe", isFull: true },
  { file: "ranges.mkv", options: [...SOUND, ...H264], cut: "exact", isFull: true },
];

const RANGES = 3;

for (const { file: name, options, cut, isFull = false } of RANGED)
  it(`given a video is cut in ranges (${name}, ${cut}), then their segments are those of one cut`, {
    tags: isFull ? ["full"] : [],
  }, async () => {
    const file = join(await temporaryFolder(), name);
    await ffmpeg(...VIDEO, ...options, file);
    const segmentsOf = async (range: { from?: number; last?: number }) => {
      const made = await cutFile(file, { cut, segmentSeconds: 2, directory: await temporaryFolder(), ...range });
      expect([made.ending, made.warnings]).toEqual([{ type: "complete" }, []]);
      return Promise.all(
        made.segments.map(async ({ path, ...segment }) => ({ ...segment, content: await hashOf(path) })),
      );
    };
    const whole = await segmentsOf({});
    expect(whole.length).toBeGreaterThanOrEqual(2 * RANGES - 1);
    for (let range = 0; range < RANGES; range += 1) {
      const [from, next] = [range, range + 1].map((at) => Math.floor((whole.length * at) / RANGES));
      expect(await segmentsOf({ from: from!, last: next! - 1 })).toEqual(whole.slice(from, next));
    }
  });
