import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { MAX_SEGMENTS, type VideoSplitEvent } from "#events-schema";
import type { SplitDependencies } from "../../../services/split/dependencies.ts";
import type { PlannedPacket } from "../../../services/split/domain/cut-plan.ts";
import { ForbiddenSourceError, SourceChangedError } from "../../../services/split/errors.ts";
import type {
  CutJob,
  Log,
  Measurement,
  MediaDescription,
  Once,
  OpenMedia,
  SegmentFile,
} from "../../../services/split/ports.ts";
import type { SplitRequest } from "../../../services/split/requests.ts";
import { splitVideo } from "../../../services/split/split-video.ts";

/** The use case on ports that misbehave as told: what real ffmpeg and S3 do only once in a blue moon. */

const NEVER = new AbortController().signal;

const silent: Log = { info: () => {}, warn: () => {}, with: () => silent };

const fault = (stderr: string): Error =>
  Object.assign(new Error(stderr), { code: "FfmpegFailed", exitCode: 1, stderr });

const packets = (count: number, gap = 1): PlannedPacket[] =>
  Array.from({ length: count }, (_, n) => ({ time: n * gap, duration: gap, key: true }));

const H264: MediaDescription = {
  format: "mov,mp4",
  video: { index: 0, codec: "h264", tag: "avc1", size: [160, 90], averageFps: 1 },
  audio: [],
  others: [],
};

type World = {
  description: MediaDescription;
  packets: PlannedPacket[];
  /** Muxers that can't hold the tracks. */
  refused: string[];
  /** ffmpeg's end after this many segments. */
  failsAfter: { segments: number; error: unknown } | undefined;
  /** ffmpeg's good end, too early. */
  stopsAfter: number;
  framesIn: (index: number, planned: number) => number;
  readFailure: unknown;
  onUpload: (key: string) => Promise<void>;
  request: Partial<SplitRequest>;
  /** Whether S3 lets the service look at the object. */
  forbidden: boolean;
  bytes: number;
  metadata: Record<string, string>;
  once: Once;
  /** What the clock says, one after the other, and the last of them ever after. */
  times: string[];
};

const SECONDS = 2;

async function split(changes: Partial<World> = {}) {
  const world: World = {
    description: H264,
    packets: packets(6),
    refused: [],
    failsAfter: undefined,
    stopsAfter: Number.POSITIVE_INFINITY,
    framesIn: (_index, planned) => planned,
    readFailure: undefined,
    onUpload: async () => {},
    request: {},
    forbidden: false,
    bytes: 1_000,
    metadata: {},
    once: async (_key, work) => work(),
    times: ["2026-11-23T00:00:00Z"],
    ...changes,
  };
  const temporaryFolder = await mkdtemp(join(tmpdir(), "video-split-test-"));
  onTestFinished(() => rm(temporaryFolder, { recursive: true, force: true }));
  const events: VideoSplitEvent[] = [];
  const measurements: Measurement[] = [];
  const times = [...world.times];
  const gate = { paused: 0, resumed: 0 };
  const source = { bucket: "uploads", key: "uploads/film.mp4", etag: "e", versionId: undefined };

  async function* cut({ container, starts, directory, signal }: CutJob): AsyncGenerator<SegmentFile> {
    if (world.refused.includes(container.muxer)) throw fault(`${container.muxer} can't`);
    for (let index = 0; index <= starts.length; index += 1) {
      if (world.stopsAfter === index) return;
      if (world.failsAfter?.segments === index) throw world.failsAfter.error;
      const path = join(directory, `${index}.${container.extension}`);
      await writeFile(path, "x");
      signal.throwIfAborted();
      yield { index, path, bytes: 50_000_000 };
    }
  }

  const media: OpenMedia = {
    describe: async () => world.description,
    scan: async (_description, _signal, onPacket) => world.packets.forEach(onPacket),
    containers: () => [
      { muxer: "mp4", extension: "mp4", contentType: "video/mp4" },
      { muxer: "matroska", extension: "mkv", contentType: "video/x-matroska" },
    ],
    cut,
    countFrames: async (path) => world.framesIn(Number.parseInt(path.split("/").at(-1)!, 10), SECONDS),
    readFailure: () => world.readFailure,
    pause: () => void gate.paused++,
    resume: () => void gate.resumed++,
    close: async () => {},
  };
  const uploads: string[] = [];
  const dependencies: SplitDependencies = {
    store: {
      describe: async () => {
        if (world.forbidden) throw new ForbiddenSourceError("403");
        return { source, bytes: world.bytes, metadata: world.metadata };
      },
      async *read() {},
      upload: async ({ key }) => {
        await world.onUpload(key);
        uploads.push(key);
        return `sha256:${"0".repeat(64)}`;
      },
    },
    publisher: { publish: async (event) => void events.push(event) },
    ledger: { claimBlock: async () => 16_384, choose: async (_videoId, choice) => choice },
    media: { open: async () => media },
    once: world.once,
    log: silent,
    measure: (measurement) => void measurements.push(measurement),
    hash: (text) => createHash("sha256").update(text).digest(),
    now: () => new Date((times.length > 1 ? times.shift() : times[0])!),
    temporaryFolder,
    settings: {
      uploadKeyPrefix: "uploads/",
      outputBucket: "segments",
      outputKeyPrefix: "out/",
      outputKeyRoot: "out/",
      segmentSeconds: SECONDS,
      cut: "keyframe",
      largestObjectBytes: 1_000_000,
    },
  };
  const request: SplitRequest = {
    bucket: source.bucket,
    key: source.key,
    etag: "e",
    versionId: undefined,
    explicit: false,
    segmentSeconds: undefined,
    cut: undefined,
    outputKeyPrefix: undefined,
    messageId: "m",
    ...world.request,
  };
  const outcome = await splitVideo(request, dependencies, NEVER).catch((error: unknown) => error);
  return {
    outcome,
    events,
    types: events.map(({ type }) => type),
    measurements,
    uploads,
    gate,
    left: await readdir(temporaryFolder),
  };
}

const rejection = (events: VideoSplitEvent[]) => events.find((event) => event.type === "VideoRejected")?.data.rejection;

describe("splitting a video", () => {
  it("announces the plan, each segment, and the end, and leaves no file", async () => {
    const { outcome, types, left } = await split();
    expect(outcome).toEqual({ outcome: "split", VideoId: 16_384, segments: 3 });
    expect(types).toEqual(["SplitPlanned", "SegmentCreated", "SegmentCreated", "SegmentCreated", "VideoSplit"]);
    expect(left).toEqual([]);
  });

  it("announces the same facts under the same ids when it's done again", async () => {
    const facts = async () => (await split()).events.map(({ metadata, data }) => ({ id: metadata.eventId, data }));
    expect(await facts()).toEqual(await facts());
  });

  it("holds the reading back while more than 64 MB wait for their upload", async () => {
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

describe("what can't be split is rejected", () => {
  it.each<[string, Partial<World>]>([
    ["NoVideoStream", { description: { ...H264, video: undefined } }],
    ["UnknownCodec", { description: { ...H264, video: { ...H264.video!, codec: undefined, tag: "vvc1" } } }],
    ["UnreadableMedia", { packets: [] }],
    ["UnreadableMedia", { refused: ["mp4", "matroska"] }],
    ["TooManySegments", { packets: packets(MAX_SEGMENTS + 1, SECONDS) }],
    ["TooLarge", { bytes: 1_000_001 }],
    ["EmptyObject", { bytes: 0 }],
    ["SourceChanged", { request: { etag: "another" } }],
    ["InvalidOverride", { request: { segmentSeconds: 0.1 } }],
    ["InvalidOverride", { request: { outputKeyPrefix: "uploads/" } }],
    ["UnsupportedCut", { request: { cut: "exact" } }],
    ["SourceForbidden", { forbidden: true, request: { explicit: true } }],
  ])("%s (%#)", async (reason, world) => {
    const { outcome, events, uploads } = await split(world);
    expect(outcome).toEqual({ outcome: "rejected", VideoId: 16_384, reason });
    expect(rejection(events)?.reason).toBe(reason);
    expect(uploads).toEqual([]);
  });

  it("but an upload's own event that leads to an object that may not be read is thrown: the set-up is at fault", async () => {
    const { outcome, events } = await split({ forbidden: true });
    expect(outcome).toBeInstanceOf(ForbiddenSourceError);
    expect(events).toEqual([]);
  });

  it("where ffmpeg stops on the file in the middle, saying how far it came", async () => {
    const { events, types, left } = await split({ failsAfter: { segments: 2, error: fault("broken packet") } });
    expect(types.at(-1)).toBe("VideoRejected");
    expect(rejection(events)).toMatchObject({
      reason: "UnreadableMedia",
      message: expect.stringContaining("its first 2 segments (broken packet)"),
    });
    expect(left).toEqual([]);
  });

  it("where ffmpeg makes fewer segments than were planned", async () => {
    const { events, types } = await split({ stopsAfter: 2 });
    expect(rejection(events)?.message).toContain("its first 2 segments (3 segments were planned)");
    expect(types).not.toContain("VideoSplit");
  });

  it("where a segment doesn't hold the frames that were planned", async () => {
    const { events, types } = await split({ framesIn: (index, planned) => (index === 1 ? planned - 1 : planned) });
    expect(rejection(events)?.message).toContain("segment 1 holds 1 of 2 frames");
    expect(types).not.toContain("VideoSplit");
  });

  it("where the object was overwritten while it was read", async () => {
    const { events } = await split({
      failsAfter: { segments: 1, error: fault("end of file") },
      readFailure: new SourceChangedError("overwritten"),
    });
    expect(rejection(events)?.reason).toBe("SourceChanged");
  });
});

describe("what is worth a retry is thrown", () => {
  it.each<[string, Partial<World>]>([
    ["S3 is down", { failsAfter: { segments: 1, error: fault("end of file") }, readFailure: new Error("S3 is down") }],
    ["S3 is down", { readFailure: new Error("S3 is down") }],
    ["No space left on device", { failsAfter: { segments: 1, error: fault("x: No space left on device") } }],
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

describe("what a delivery came to is measured", () => {
  it("with the video's length and size and the seconds by the clock, when it was split", async () => {
    const { measurements } = await split({ times: ["2026-11-23T12:00:00Z", "2026-11-23T12:00:07.5Z"] });
    const figures = { segments: 3, videoSeconds: 6, videoBytes: 1_000, splitSeconds: 7.5 };
    expect(measurements).toEqual([{ type: "split", videoId: 16_384, ...figures }]);
  });

  it("with no seconds when the clock was set back meanwhile", async () => {
    const { measurements } = await split({ times: ["2026-11-23T12:00:00Z", "2026-11-23T11:00:00Z"] });
    expect(measurements).toMatchObject([{ type: "split", splitSeconds: 0 }]);
  });

  it("with the reason, when it was rejected, and segments that were announced before don't count", async () => {
    const { measurements } = await split({ failsAfter: { segments: 2, error: fault("broken packet") } });
    expect(measurements).toEqual([{ type: "rejected", videoId: 16_384, reason: "UnreadableMedia" }]);
  });

  it.each<[string, Once]>([
    ["is done elsewhere", async () => "done elsewhere"],
    ["was done before", async () => ({ result: { outcome: "split", VideoId: 16_384, segments: 3 } as never })],
  ])("as a duplicate, when its work %s", async (_when, once) => {
    const { measurements, events } = await split({ once });
    expect(measurements).toEqual([{ type: "duplicate" }]);
    expect(events).toEqual([]);
  });

  it.each<[string, Partial<World>]>([
    ["its work fails", { onUpload: () => Promise.reject(new Error("S3 is down")) }],
    [
      "its outcome can't be remembered",
      {
        once: async (_key, work) => {
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
    ["a segment of this service's own", { metadata: { "video-split-parent": "16384" } }],
  ])("not at all, when it is skipped: %s", async (_what, world) => {
    const { outcome, measurements } = await split(world);
    expect(outcome).toMatchObject({ outcome: "skipped" });
    expect(measurements).toEqual([]);
  });
});
