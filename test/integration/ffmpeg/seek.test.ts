import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import { OutOfTimeError } from "../../../services/video/errors.ts";
import type { Log } from "../../../services/video/ports/log.ts";
import { ffmpeg } from "../../fixtures/media.ts";
import { openLedger, split, type World } from "../../fixtures/split-world.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

/** An invocation whose time runs out when it uploads this segment. */
function endsAt(segment: number): Partial<World> {
  const time = new AbortController();
  const onUpload = async (key: string) => {
    if (!key.includes(`-${String(segment).padStart(5, "0")}`)) return;
    time.abort(new OutOfTimeError("time is up"));
    time.signal.throwIfAborted();
  };
  return { signal: time.signal, onUpload };
}

/** A log that keeps its messages. */
function keepingLog(): { log: Log; messages: string[] } {
  const messages: string[] = [];
  const add = (message: string) => void messages.push(message);
  const log: Log = { info: add, warn: add, with: () => log };
  return { log, messages };
}

const facts = (...runs: { events: VideoSplitEvent[] }[]) =>
  new Map(
    runs
      .flatMap(({ events }) => events)
      .filter(({ type }) => type !== "SegmentRangeRequested")
      .map(({ type, data, metadata }) => [metadata.eventId, { type, data }]),
  );

const VIDEO = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=24"];
const SOUND = ["-f", "lavfi", "-i", "sine=duration=24:sample_rate=44100"];
const H264 = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "40"];

/** How each is made: with sound that starts with the picture, in two tracks, later, or with none. */
const SOURCES: [string, string[]][] = [
  ["mp4, moov at the end", [...VIDEO, ...SOUND, ...H264, "a.mp4"]],
  [
    "mp4, two tracks of sound",
    [...VIDEO, ...SOUND, ...SOUND, ...["-map", "0", "-map", "1", "-map", "2"], ...H264, "b.mp4"],
  ],
  ["mp4, no sound", [...VIDEO, ...H264, "c.mp4"]],
  ["mp4, open groups of pictures", [...VIDEO, ...SOUND, ...H264, "-x264-params", "open-gop=1", "d.mp4"]],
  ["mp4, times that start at an hour", [...VIDEO, ...SOUND, ...H264, "-output_ts_offset", "3600", "e.mp4"]],
  ["fragmented mp4", [...VIDEO, ...SOUND, ...H264, "-movflags", "frag_keyframe+empty_moov", "f.mp4"]],
  ["mov, uncompressed sound", [...VIDEO, ...SOUND, ...H264, "-c:a", "pcm_s16le", "g.mov"]],
  ["mkv", [...VIDEO, ...SOUND, ...H264, "h.mkv"]],
  ["mkv, opus", [...VIDEO, ...SOUND, ...H264, "-c:a", "libopus", "i.mkv"]],
  ["mkv, hevc", [...VIDEO, ...SOUND, "-c:v", "libx265", "-x265-params", "keyint=40:log-level=error", "j.mkv"]],
];

/** No container of segments holds these as they are, or nothing but a whole encoding makes them exact. */
const ENCODED: [string, string[]][] = [
  [
    "webm, vp9",
    [...VIDEO, ...SOUND, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "40", "k.webm"],
  ],
  ["mp4, mpeg-4 part 2", [...VIDEO, ...SOUND, "-c:v", "mpeg4", "-g", "40", "-bf", "2", "l.mp4"]],
];

describe.each(["keyframe", "exact"] as const)("given the cut %s, and time that runs out in mid-video", (cut) => {
  it.each(SOURCES)(
    "of %s, then the next invocation begins there, and makes what a single one makes",
    async (_, make) => {
      const folder = await temporaryFolder();
      const file = join(folder, make.at(-1)!);
      await ffmpeg(...make.slice(0, -1), file);
      const whole = await split({ file, cut });

      const ledger = openLedger();
      const first = await split({ file, cut, ledger, ...endsAt(9) });
      const { log, messages } = keepingLog();
      const continuation = { request: { continuation: { invocation: 2 }, messageId: "m2" } };
      const second = await split({ file, cut, ledger, log, ...continuation });

      expect(first.outcome).toMatchObject({ outcome: "continued" });
      expect(second.outcome).toEqual(whole.outcome);
      expect(facts(first, second)).toEqual(facts(whole));
      expect(messages).toContain("Begins to read in mid-source");
      expect(messages.filter((message) => /from its start|re-encoding/.test(message))).toEqual([]);
    },
  );
});

/** Frames and places: an encoder that begins elsewhere writes other bytes. */
const measured = (map: ReturnType<typeof facts>) =>
  new Map(
    [...map].map(([id, { type, data }]) => {
      const { checksum: _checksum, bytes: _bytes, proof, ...rest } = data as Record<string, unknown>;
      const {
        max_audio_offset_ms: _offset,
        max_audio_gap_ms: _gap,
        ...figures
      } = (proof ?? {}) as Record<string, unknown>;
      return [id, { type, ...rest, ...figures }];
    }),
  );

it.each(ENCODED)("given %s is encoded whole, then the next invocation makes the same frames", async (_, make) => {
  const folder = await temporaryFolder();
  const file = join(folder, make.at(-1)!);
  await ffmpeg(...make.slice(0, -1), file);
  const whole = await split({ file, cut: "exact" });

  const ledger = openLedger();
  const first = await split({ file, cut: "exact", ledger, ...endsAt(9) });
  const { log, messages } = keepingLog();
  const continuation = { request: { continuation: { invocation: 2 }, messageId: "m2" } };
  const second = await split({ file, cut: "exact", ledger, log, ...continuation });

  expect(first.outcome).toMatchObject({ outcome: "continued" });
  expect(second.outcome).toEqual(whole.outcome);
  expect(measured(facts(first, second))).toEqual(measured(facts(whole)));
  expect(messages).toContain("Begins to read in mid-source");
  expect(messages.filter((message) => message.includes("from its start"))).toEqual([]);
});
