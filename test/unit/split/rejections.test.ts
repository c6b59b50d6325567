import { describe, expect, it } from "vitest";
import { MAX_SEGMENTS, type VideoSplitEvent } from "#events-schema";
import { type SourceFault, SourceUnavailableError } from "../../../services/video/errors.ts";
import { H264, notFetched, packets, SECONDS, split, stopsAt, type World } from "../../fixtures/split-world.ts";

const rejection = (events: VideoSplitEvent[]) => events.find((event) => event.type === "VideoRejected")?.data.rejection;

const ended = (events: VideoSplitEvent[]) => events.find((event) => event.type === "VideoSplit")?.data;

const unavailable = (reason: SourceFault) =>
  new SourceUnavailableError(reason, `It can't be read: ${reason}. Do this.`);

describe("what can't be split is rejected", () => {
  it.each<[string, Partial<World>]>([
    ["NoVideoStream", { description: { ...H264, video: undefined } }],
    ["UnknownCodec", { description: { ...H264, video: { ...H264.video!, codec: undefined, tag: "vvc1" } } }],
    ["UnreadableMedia", { packets: [] }],
    ["UnreadableMedia", { refused: ["mp4", "matroska"] }],
    ["LimitExceeded", { packets: packets(100_001, 1 / 2_001) }],
    ["TooManySegments", { packets: packets(MAX_SEGMENTS + 1, SECONDS) }],
    ["TooLarge", { bytes: 1_000_001 }],
    ["EmptyObject", { bytes: 0 }],
    ["SourceChanged", { request: { etag: "another" } }],
    ["InvalidOverride", { request: { segmentSeconds: 0.1 } }],
    ["InvalidOverride", { request: { outputKeyPrefix: "uploads/" } }],
    ["UnsupportedCut", { endsAfter: stopsAt(0, "no", "UnsupportedCut") }],
    ["ProofFailed", { endsAfter: stopsAt(0, "no", "ProofFailed") }],
    ["UnreadableMedia", { endsAfter: { segments: 0, ending: { type: "undecodable", from: 0 } } }],
    ["InvalidOverride", { request: { outputKeyPrefix: `out/${"ü".repeat(500)}/` } }],
    ["InvalidOverride", { request: { outputKeyPrefix: `out/${"{video_name}/".repeat(250)}` } }],
    ["InvalidOverride", { request: { outputKeyPrefix: "out/../elsewhere/" } }],
    ["InvalidOverride", { metadata: { cut: "fast" } }],
    ["InvalidOverride", { metadata: { "segment-seconds": "soon" }, request: { cut: "exact" } }],
    ["InvalidRequest", { request: { explicit: true, fault: { message: "cut is wrong", isOfName: false } } }],
    ["SourceForbidden", { unavailable: unavailable("SourceForbidden"), request: { explicit: true } }],
    ["SourceForbidden", { endsAfter: notFetched(0, unavailable("SourceForbidden")), request: { explicit: true } }],
    ["SourceNotFound", { unavailable: unavailable("SourceNotFound") }],
    ["SourceArchived", { archived: unavailable("SourceArchived") }],
    ["SourceChanged", { unavailable: unavailable("SourceChanged"), request: { explicit: true } }],
  ])("%s (%#)", async (reason, world) => {
    const { outcome, events, uploads } = await split(world);
    expect(outcome).toEqual({ outcome: "rejected", VideoId: 16_384, reason });
    expect(rejection(events)?.reason).toBe(reason);
    expect(uploads).toEqual([]);
  });

  it.each<[string, Partial<World>]>([
    ["described", { unavailable: unavailable("SourceForbidden") }],
    ["read", { endsAfter: notFetched(0, unavailable("SourceForbidden")) }],
  ])("but an upload that may not be %s is thrown: the set-up is at fault", async (_when, world) => {
    const { outcome, types } = await split(world);
    expect(outcome).toMatchObject({ code: "SourceUnavailable", reason: "SourceForbidden" });
    expect(types).not.toContain("VideoRejected");
  });

  it("with the message of the port that could not read it", async () => {
    const { events } = await split({ unavailable: unavailable("SourceNotFound") });
    expect(rejection(events)?.message).toBe("It can't be read: SourceNotFound. Do this.");
  });

  it("without asking S3 for an object that can't be called so", async () => {
    const fault = { message: "The request's key has 2000 bytes", isOfName: true };
    const asked = new Error("S3 was asked");
    const { outcome, events } = await split({
      unavailable: asked,
      request: { explicit: true, etag: undefined, fault },
    });
    expect(outcome).toMatchObject({ outcome: "rejected", reason: "InvalidRequest" });
    expect(events[0]?.data).toMatchObject({ bucket: "uploads", key: "uploads/film.mp4", bytes: 0 });
    expect(events[0]?.data).not.toHaveProperty("etag");
  });

  it("with the size that the upload's event has, where the object was overwritten since", async () => {
    const { events } = await split({ bytes: 7, metadata: { cut: "fast" }, request: { etag: "another", bytes: 1_234 } });
    expect(events[0]?.data).toMatchObject({ etag: "another", bytes: 1_234, rejection: { reason: "SourceChanged" } });
  });

  it("and not for metadata that the request overrides", async () => {
    const { outcome } = await split({
      metadata: { cut: "fast", "segment-seconds": "soon" },
      request: { cut: "exact", segmentSeconds: 3 },
    });
    expect(outcome).toMatchObject({ outcome: "split" });
  });

  it("for a prefix by which a key would be too long, before the prefix is recorded", async () => {
    const { choices } = await split({ request: { outputKeyPrefix: `out/${"ü".repeat(500)}/` } });
    expect(choices).toEqual([]);
    const longest = `out/${"x".repeat(1_024 - "out/".length - "film-16384-00000.webm".length)}`;
    expect(await split({ request: { outputKeyPrefix: longest } })).toMatchObject({
      outcome: { outcome: "split" },
      choices: [{ outputKeyPrefix: longest }],
    });
  });

  it("where ffmpeg stops on the file in the middle, saying how far it came", async () => {
    const { events, types, left } = await split({ endsAfter: stopsAt(2, "broken packet") });
    expect(types.at(-1)).toBe("VideoRejected");
    expect(rejection(events)).toMatchObject({
      reason: "UnreadableMedia",
      message: expect.stringContaining("its first 2 segments (broken packet)"),
    });
    expect(left).toEqual([]);
  });

  it("where the copied segments don't hold the frames that were scanned", async () => {
    const { events, types } = await split({ framesIn: (index, planned) => (index === 1 ? planned - 1 : planned) });
    expect(rejection(events)).toMatchObject({
      reason: "ProofFailed",
      message: expect.stringContaining("hold 5 frames"),
    });
    expect(types).not.toContain("VideoSplit");
  });

  it("where the object was overwritten while it was read", async () => {
    const { events } = await split({
      endsAfter: notFetched(1, new SourceUnavailableError("SourceChanged", "overwritten")),
    });
    expect(rejection(events)?.reason).toBe("SourceChanged");
  });
});

describe("figures of the file that no event can hold", () => {
  const created = ({ type }: VideoSplitEvent) => type === "SegmentCreated";

  it("don't come of two frames 136 years apart: the frame rate has digits", async () => {
    const { events, outcome } = await split({ packets: packets(2, 2 ** 32) });
    expect(outcome).toMatchObject({ outcome: "split", segments: 2 });
    expect(ended(events)).toMatchObject({ fps: 2.33e-10, duration: 2 ** 33 });
  });

  const withFps = (averageFps: number | undefined) => ({ ...H264, video: { ...H264.video!, averageFps } });
  const frame = (time: number, duration: number) => ({ time, duration, key: true });

  it.each<[string, Partial<World>]>([
    ["duration", { packets: [frame(0, Number.POSITIVE_INFINITY)] }],
    ["duration", { packets: [frame(0, 2 ** 60)] }],
    ["fps", { packets: [frame(0, 2 ** -60)], description: withFps(undefined) }],
    ["start", { packets: [frame(0, 1), frame(Number.NaN, 1)] }],
    ["size[0]", { description: { ...H264, video: { ...H264.video!, size: [0.5, 90] } } }],
    ["frames", { framesIn: () => 0.5 }],
  ])("are a rejection, and no dead letter: %s", async (field, world) => {
    const { events, outcome, left } = await split(world);
    expect(outcome).toMatchObject({ outcome: "rejected", reason: "UnreadableMedia" });
    expect(rejection(events)?.message).toContain(`${field}: `);
    expect(events.filter(created)).toEqual([]);
    expect(left).toEqual([]);
  });

  it("differ from a mistake of the service's own, which is thrown", async () => {
    const { outcome, types } = await split({ request: { messageId: "" } });
    expect(outcome).toMatchObject({ code: "InvalidEvent" });
    expect(types).toEqual([]);
  });
});
