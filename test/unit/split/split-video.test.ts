import { describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import { sha256 } from "../../../services/aws/ledger.ts";
import type { Once } from "../../../services/split/ports/once.ts";
import { SourceFetchError } from "../../../services/video/errors.ts";
import { segmentMetadata } from "../../../services/video/own-segments.ts";
import { notFetched, openLedger, packets, split, stopsAt, type World } from "../../fixtures/split-world.ts";

/** A reading that returns no byte. */
const unreadable = (error: Error): ReturnType<World["onRead"]> =>
  async function* () {
    yield* [];
    throw error;
  };

describe("splitting a video", () => {
  it("announces the plan, each segment, and the end, and leaves no file", async () => {
    const { outcome, types, left } = await split();
    expect(outcome).toEqual({ outcome: "split", VideoId: 16_384, segments: 3 });
    expect(types).toEqual(["SplitPlanned", "SegmentCreated", "SegmentCreated", "SegmentCreated", "VideoSplit"]);
    expect(left).toEqual([]);
  });

  it("records how it ended after that was announced", async () => {
    expect((await split()).endings).toEqual([{ ending: "split", after: "VideoSplit" }]);
    expect((await split({ bytes: 0 })).endings).toEqual([{ ending: "rejected", after: "VideoRejected" }]);
    const malformed = { request: { explicit: true, fault: { message: "cut is wrong", isOfName: false } } };
    expect(await split(malformed)).toMatchObject({ outcome: { outcome: "rejected" }, endings: [] });
    const failing = { onUpload: () => Promise.reject(new Error("upload failed")) };
    expect((await split(failing)).endings).toEqual([]);
  });

  it("announces the same data under the same ids when it's done again, in any order of the segments", async () => {
    const announced = async () => new Map((await split()).events.map(({ metadata, data }) => [metadata.eventId, data]));
    const first = await announced();
    expect(first.size).toBe(5);
    expect(await announced()).toEqual(first);
  });

  it("pauses reading while more than 64 MB wait for their upload", async () => {
    const { gate, types } = await split({ packets: packets(12) });
    expect(gate.paused).toBeGreaterThan(0);
    expect(gate.resumed).toBeGreaterThan(0);
    expect(types.at(-1)).toBe("VideoSplit");
  });

  it("tries the next container where the first can't hold the tracks", async () => {
    const { uploads } = await split({ refused: ["mp4"] });
    expect(uploads.every((key) => key.endsWith(".mkv"))).toBe(true);
  });
});

const ended = (events: VideoSplitEvent[]) => events.find((event) => event.type === "VideoSplit")?.data;

describe("the proof", () => {
  it("is the segments' own, taken together", async () => {
    const { events } = await split({ framesIn: (_index, planned) => planned });
    expect(ended(events)?.proof).toEqual({
      source_frames: 6,
      segment_frames: 6,
      undecodable_frames: 0,
      copied_frames: 6,
      max_boundary_deviation_ms: 0,
      max_frame_time_error_ms: 0,
      max_audio_offset_ms: 0.5,
    });
    expect(ended(events)).not.toHaveProperty("truncated");
  });

  it("reports how far a boundary had to move", async () => {
    const late = packets(6).map((packet, n) => ({ ...packet, key: n % 3 === 0 }));
    const { events } = await split({ packets: late, framesIn: () => 3 });
    expect(ended(events)).toMatchObject({ segment_count: 2, proof: { max_boundary_deviation_ms: 1_000 } });
  });

  it("reports frames that no decoder shows", async () => {
    const { events } = await split({ request: { cut: "exact" }, framesIn: (index, planned) => planned - (index % 2) });
    expect(ended(events)?.proof).toMatchObject({ source_frames: 6, segment_frames: 5, undecodable_frames: 1 });
  });
});

describe("a source that can't be read to its end is split as far as it goes", () => {
  it("where the file ends before what it says it holds", async () => {
    const { events } = await split({ truncated: true });
    expect(ended(events)).toMatchObject({ truncated: true, last_readable_time: 6, segment_count: 3, duration: 6 });
  });

  it("where fewer segments than planned can be made", async () => {
    const { events, outcome } = await split({
      endsAfter: { segments: 2, ending: { type: "undecodable", from: 4 } },
      request: { cut: "exact" },
    });
    expect(outcome).toEqual({ outcome: "split", VideoId: 16_384, segments: 2 });
    expect(ended(events)).toMatchObject({ truncated: true, last_readable_time: 4, segment_count: 2, frames: 4 });
  });
});

describe("an upload that was begun continues as it began", () => {
  it("with the cut and the length of the first attempt", async () => {
    const chosen = { segmentSeconds: 3, cut: "exact" as const, outputKeyPrefix: "out/" };
    const { events } = await split({ chosen, framesIn: () => 3 });
    expect(ended(events)).toMatchObject({ cut: "exact", segment_seconds: 3, segment_count: 2 });
  });
});

describe("a retry continues where the attempt before it ended", () => {
  const kill = () => Promise.reject(new Error("killed"));
  const created = (events: VideoSplitEvent[]) =>
    events.flatMap((event) => (event.type === "SegmentCreated" ? event.data.segment_index : []));

  /** Killed at the upload of a segment, when all before it were announced. */
  const diesAt = (index: number): Pick<World, "onUpload" | "onRecord"> => {
    const announced = new Set<number>();
    const isNext = Promise.withResolvers<void>();
    return {
      onRecord: async (one, segment) => {
        if (segment.announced) announced.add(one);
        if (announced.size === index) isNext.resolve();
      },
      onUpload: async (key) => {
        if (!key.includes(`-0000${index}`)) return;
        await isNext.promise;
        await kill();
      },
    };
  };

  it("uploads what wasn't uploaded, and no more", async () => {
    const ledger = openLedger();
    const first = await split({ ledger, ...diesAt(2) });
    expect(first.outcome).toBeInstanceOf(Error);
    const retry = await split({ ledger });
    expect(first.uploads.map((key) => key.slice(-9)).sort()).toEqual(["00000.mp4", "00001.mp4"]);
    expect(retry.uploads.map((key) => key.slice(-9))).toEqual(["00002.mp4"]);
    expect(created(retry.events)).toEqual([2]);
    expect(ended(retry.events)).toEqual(ended((await split()).events));
  });

  it("announces what was uploaded and not announced, with the same data", async () => {
    const ledger = openLedger();
    // Killed between the upload of the second segment, which was recorded, and its announcement.
    const onRecord = async (index: number, { announced }: { announced: boolean }) =>
      index === 1 && announced ? kill() : undefined;
    await split({ ledger, onRecord });
    const retry = await split({ ledger });
    expect(created(retry.events)).toContain(1);
    const data = ({ events }: { events: VideoSplitEvent[] }) =>
      events.find((event) => event.type === "SegmentCreated" && event.data.segment_index === 1)?.data;
    expect(data(retry)).toEqual(data(await split()));
  });

  it("cuts nothing where only the end wasn't recorded", async () => {
    const ledger = openLedger();
    await split({ ledger: { ...ledger, recordEnding: () => Promise.reject(new Error("killed")) } });
    const retry = await split({ ledger, failsAfter: { segments: 0, error: new Error("nothing was to be cut") } });
    expect(retry.types).toEqual(["SplitPlanned", "VideoSplit"]);
    expect(retry.uploads).toEqual([]);
  });

  it("keeps the container of the first segments", async () => {
    const ledger = openLedger();
    await split({ ledger, refused: ["mp4"], ...diesAt(2) });
    const retry = await split({ ledger });
    expect(retry.uploads.map((key) => key.slice(-9))).toEqual(["00002.mkv"]);
  });
});

describe("an upload that has a segment's metadata, and isn't one", () => {
  it.each([
    ["its uploader's own", { "video-split-parent": "16384" }],
    ["of a segment of another size", segmentMetadata(16_384, 0, 999, sha256)],
  ])("is split: %s", async (_what, metadata) => {
    expect((await split({ metadata })).outcome).toMatchObject({ outcome: "split" });
  });
});

describe("what can be retried is thrown", () => {
  it.each<[string, Partial<World>]>([
    ["S3 is down", { endsAfter: notFetched(1, new SourceFetchError("S3 is down")) }],
    ["S3 is down", { onRead: () => unreadable(new Error("S3 is down")) }],
    ["No space left on device", { failsAfter: { segments: 1, error: new Error("No space left on device") } }],
    [
      "was killed",
      {
        failsAfter: {
          segments: 1,
          error: Object.assign(new Error("ffmpeg was killed"), { code: "FfmpegFailed", exitCode: null }),
        },
      },
    ],
    [
      "upload failed",
      { onUpload: (key) => (key.includes("-00001") ? Promise.reject(new Error("upload failed")) : Promise.resolve()) },
    ],
  ])("%s (%#)", async (message, world) => {
    const { outcome, types, left } = await split(world);
    expect((outcome as Error).message).toContain(message);
    expect(types).not.toContain("VideoSplit");
    expect(types).not.toContain("VideoRejected");
    expect(left).toEqual([]);
  });
});

describe("the outcome of a delivery is measured", () => {
  it("with the video's length and size and the seconds by the clock, when it was split", async () => {
    const { measurements } = await split({ times: ["2026-11-23T12:00:00Z", "2026-11-23T12:00:07.5Z"] });
    const figures = {
      segments: 3,
      videoSeconds: 6,
      videoBytes: 1_000,
      started: 0,
      finishedAfter: undefined,
      splitSeconds: 7.5,
    };
    expect(measurements).toEqual([{ type: "split", videoId: 16_384, ...figures }]);
  });

  it("with no seconds when the clock was set back meanwhile", async () => {
    const { measurements } = await split({ times: ["2026-11-23T12:00:00Z", "2026-11-23T11:00:00Z"] });
    expect(measurements).toMatchObject([{ type: "split", splitSeconds: 0 }]);
  });

  it("with the reason, when it was rejected, and segments that were announced before don't count", async () => {
    const { measurements } = await split({ endsAfter: stopsAt(2, "broken packet") });
    expect(measurements).toEqual([{ type: "rejected", videoId: 16_384, reason: "UnreadableMedia" }]);
  });

  it.each<[string, Once]>([
    ["is done elsewhere", async () => ({ busyWith: undefined })],
    ["was done before", async () => ({ result: { outcome: "split", VideoId: 16_384, segments: 3 } as never })],
  ])("as a duplicate, when its work %s", async (_when, once) => {
    const { measurements, events } = await split({ once });
    expect(measurements).toEqual([{ type: "duplicate" }]);
    expect(events).toEqual([]);
  });

  it.each<[string, Partial<World>]>([
    ["its work fails", { onUpload: () => Promise.reject(new Error("S3 is down")) }],
    [
      "its outcome can't be recorded",
      {
        once: async (_key, _asking, work) => {
          await work();
          throw new Error("DynamoDB is down");
        },
      },
    ],
  ])("not at all, when %s and it is retried", async (_when, world) => {
    const { outcome, measurements } = await split(world);
    expect(outcome).toBeInstanceOf(Error);
    expect(measurements).toEqual([]);
  });

  it.each<[string, Partial<World>]>([
    ["an object outside the upload prefix", { request: { key: "elsewhere/film.mp4" } }],
    ["a file that is no video by its name", { request: { key: "uploads/film.mp4.part" } }],
    ["a file without an ending", { request: { key: "uploads/mp4" } }],
    ["a segment of this service's own", { metadata: segmentMetadata(16_384, 0, 1_000, sha256) }],
  ])("not at all, when it is skipped: %s", async (_what, world) => {
    const { outcome, measurements } = await split(world);
    expect(outcome).toMatchObject({ outcome: "skipped" });
    expect(measurements).toEqual([]);
  });
});
