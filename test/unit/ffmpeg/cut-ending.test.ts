import { describe, expect, it } from "vitest";
import { cutWithEnding } from "../../../services/ffmpeg/cut-ending.ts";
import { DiskFullError, FfmpegError, ProcessKilledError, unreadable } from "../../../services/ffmpeg/process/errors.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import type { CutJob, MadeSegment } from "../../../services/split/ports/media-tools.ts";
import { limitExceeded, SourceFetchError } from "../../../services/video/errors.ts";
import { NEVER, quietLog } from "../../fixtures/quiet.ts";

const EXIT_1 = { code: 1, signal: null };

/** Two segments of 2 s at 25 fps. */
const planned = [0, 1].map((index) => ({
  ...{ index, firstFrame: 50 * index, frames: 50, firstFrameTime: 2 * index, start: 2 * index, end: 2 * index + 2 },
  ...{ requestedStart: 2 * index, requestedEnd: 2 * index + 2 },
}));

const job: CutJob = {
  container: { muxer: "mp4", extension: "mp4", contentType: "video/mp4" },
  cut: { kind: "keyframe", segments: planned, origin: 0, index: new PacketIndex() },
  from: 0,
  last: 1,
  directory: "",
  signal: NEVER,
  log: quietLog,
};

const segment = (index: number, frames = 50): MadeSegment => ({
  ...{ index, path: "", bytes: 1, made: "encoded", codec: "h264", audioCodecs: [] },
  proof: {
    ...{ frames, undecodable: 0, copiedFrames: 0, start: 2 * index, end: 2 * index + frames / 25 },
    ...{ largestTimeError: 0, largestAudioOffset: 0 },
  },
});

/** How a cut of these segments ends. It throws `error`, if given, at its end, after `onEnd`. */
async function endingOf(
  segments: MadeSegment[],
  { error, failed = NEVER, onEnd = () => {}, last = job.last }: Parts = {},
) {
  async function* cutting() {
    yield* segments;
    onEnd();
    if (error !== undefined) throw error;
  }
  const cut = cutWithEnding(failed, { ...job, last }, cutting());
  let made = 0;
  let next = await cut.next();
  for (; next.done !== true; next = await cut.next()) made += 1;
  return { made, ending: next.value };
}
type Parts = { error?: Error; failed?: AbortSignal; onEnd?: () => void; last?: number };

describe("how a cut ends", () => {
  it("is complete when the last planned segment has its frames", async () => {
    expect(await endingOf([segment(0), segment(1)])).toEqual({ made: 2, ending: { type: "complete" } });
    // Decoders may not return the last frame or two.
    expect((await endingOf([segment(0), segment(1, 48)])).ending).toEqual({ type: "complete" });
  });

  it("is complete when the last segment that is needed is there, whatever frames it lacks", async () => {
    expect((await endingOf([segment(0)], { last: 0 })).ending).toEqual({ type: "complete" });
    expect((await endingOf([segment(0, 43)], { last: 0 })).ending).toEqual({ type: "complete" });
    expect((await endingOf([], { last: 0 })).ending).toEqual({ type: "undecodable", from: 0 });
  });

  it("is undecodable from the end of the last returned frame, within the last segment too", async () => {
    expect((await endingOf([segment(0)])).ending).toEqual({ type: "undecodable", from: 2 });
    expect((await endingOf([segment(0), segment(1, 43)])).ending).toEqual({
      type: "undecodable",
      from: expect.closeTo(3.72),
    });
    expect((await endingOf([])).ending).toEqual({ type: "undecodable", from: 0 });
  });

  it("has a segment that can't be decoded only where a later one can be", async () => {
    const undecodable = (index: number) => {
      const damaged = segment(index, 0);
      return { ...damaged, proof: { ...damaged.proof, undecodable: 50 } };
    };
    expect(await endingOf([undecodable(0), segment(1)])).toEqual({ made: 2, ending: { type: "complete" } });
    expect(await endingOf([segment(0), undecodable(1)])).toEqual({ made: 1, ending: { type: "undecodable", from: 2 } });
  });

  it("is undecodable where the last segment is damaged up to its end", async () => {
    const last = segment(1, 30);
    const damaged = { ...last.proof, undecodable: 20, stretches: [{ from: 3.2, to: 4 }] };
    const ending = { type: "undecodable", from: expect.closeTo(3.2) };
    expect((await endingOf([segment(0), { ...last, proof: damaged }])).ending).toEqual(ending);
  });

  it("is a rejection when too much of the source was fetched, however ffmpeg ended", async () => {
    const failing = new AbortController();
    const reason = limitExceeded("too much was fetched");
    const parts = { failed: failing.signal, onEnd: () => failing.abort(reason) };
    await expect(endingOf([segment(0)], parts)).rejects.toBe(reason);
  });

  it("is not fetched when the source failed, however ffmpeg ended", async () => {
    for (const error of [undefined, new FfmpegError("ffmpeg", EXIT_1, "end of file"), unreadable("half a packet")]) {
      const failing = new AbortController();
      const reason = new SourceFetchError("S3 is down");
      const parts = { ...(error && { error }), failed: failing.signal, onEnd: () => failing.abort(reason) };
      expect((await endingOf([segment(0)], parts)).ending).toEqual({ type: "not fetched", error: reason });
    }
  });

  it("yields nothing after the source has failed", async () => {
    const failed = AbortSignal.abort(new SourceFetchError("S3 is down"));
    expect(await endingOf([segment(0), segment(1)], { failed })).toMatchObject({
      made: 0,
      ending: { type: "not fetched" },
    });
  });

  it("is impossible when ffmpeg fails although all bytes were fetched", async () => {
    const refused = new FfmpegError("ffmpeg", EXIT_1, "the muxer can't");
    expect((await endingOf([], { error: refused })).ending).toMatchObject({
      type: "impossible",
      detail: "the muxer can't",
    });
  });

  it.each([
    ["a process was killed", new ProcessKilledError("ffmpeg", { code: null, signal: "SIGKILL" }, "")],
    ["the disk is full", new DiskFullError("ffmpeg: No space left on device")],
    ["there is a bug", new TypeError("undefined is not a function")],
  ])("is thrown where %s: that says nothing of the file", async (_what, error) => {
    await expect(endingOf([segment(0)], { error })).rejects.toBe(error);
  });
});
