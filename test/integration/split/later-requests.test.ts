import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SourceFetchError, SourceUnavailableError } from "../../../services/video/errors.ts";
import { DIFFERENT, MALFORMED, openDeliveries, type Request, request, SAME } from "../../fixtures/deliveries.ts";
import { notFetched, stopsAt } from "../../fixtures/split-world.ts";

/** What happens to a request before, during and after the split of its object: docs/decisions/later-requests.md. */

const BAD_METADATA = { metadata: { "segment-seconds": "soon" } };

const cases = (requests: Record<string, Request>) => Object.entries(requests);

const busy = { code: "Busy", retryable: true };
const refused = (reason: string) => ({ outcome: "refused", reason });
const leftAlone = { outcome: "done elsewhere" };

describe("after the split", () => {
  async function splitOnce() {
    const world = await openDeliveries();
    expect((await world.deliver()).outcome).toMatchObject({ outcome: "split", segments: 3 });
    return { ...world, before: world.documents() };
  }

  it.each(cases(SAME))("%s does nothing for a split object, and announces nothing", async (_what, requested) => {
    const { deliver } = await splitOnce();
    const { outcome, events } = await deliver(requested);
    expect(outcome).toMatchObject({ outcome: "split" });
    expect(events).toEqual([]);
  });

  it.each(cases(DIFFERENT))(
    "%s is refused with the existing choice, and the document stays the same to the byte",
    async (_what, requested) => {
      const { deliver, documents, before } = await splitOnce();
      const { outcome, events } = await deliver({ ...requested, messageId: "r-1" });
      expect(outcome).toMatchObject(refused("AlreadySplit"));
      expect(events).toMatchObject([
        {
          type: "RequestRefused",
          metadata: { causationId: "r-1" },
          data: {
            key: "uploads/film.mp4",
            refusal: { reason: "AlreadySplit", message: expect.stringContaining("upload it under another key") },
            segment_seconds: 2,
            cut: "keyframe",
            output_key_prefix: "out/",
          },
        },
      ]);
      expect(documents()).toBe(before);
    },
  );

  it("an upload of the same bytes with metadata that can't be used is refused, and no rejection", async () => {
    const { deliver, documents, before } = await splitOnce();
    const { outcome, events } = await deliver({}, BAD_METADATA);
    expect(outcome).toMatchObject(refused("AlreadySplit"));
    expect(events).toMatchObject([{ data: { refusal: { message: expect.stringContaining('is "soon"') } } }]);
    expect(documents()).toBe(before);
  });

  it.each(["SourceNotFound", "SourceArchived"] as const)(
    "an object that can't be read any more stays split (%s)",
    async (reason) => {
      const { deliver, documents, before } = await splitOnce();
      const { outcome, events } = await deliver({}, { unavailable: new SourceUnavailableError(reason, "It's gone.") });
      expect([outcome, events]).toEqual([expect.objectContaining({ outcome: "split" }), []]);
      expect(documents()).toBe(before);
    },
  );

  it("a request that is delivered twice is refused by one event, and another request by another", async () => {
    const { deliver } = await splitOnce();
    const ids: (string | undefined)[] = [];
    for (const messageId of ["r-1", "r-1", "r-2"]) {
      const { events } = await deliver(request({ cut: "exact", messageId }));
      ids.push(events[0]?.metadata.eventId);
    }
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });
});

describe("days after the split, when the deliveries are forgotten", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-24T00:00:00Z") }));
  afterEach(() => void vi.useRealTimers());

  it("the answers are the same", async () => {
    const { deliver, documents } = await openDeliveries();
    await deliver();
    const before = documents();
    vi.setSystemTime(new Date("2026-11-27T00:00:00Z"));
    for (const requested of Object.values(SAME)) {
      const { outcome, events } = await deliver(requested);
      expect([outcome, events]).toEqual([{ outcome: "already split", VideoId: expect.any(Number) }, []]);
    }
    for (const requested of Object.values(DIFFERENT))
      expect((await deliver(requested)).outcome).toMatchObject(refused("AlreadySplit"));
    expect(documents()).toBe(before);
  });
});

describe("before the upload's own event", () => {
  it("a request is split as it says, and the event does nothing", async () => {
    const { deliver, documents } = await openDeliveries();
    expect((await deliver(request({ segmentSeconds: 3 }))).outcome).toMatchObject({ outcome: "split", segments: 2 });
    const before = documents();
    expect(await deliver({})).toMatchObject({ outcome: { outcome: "split", segments: 2 }, events: [] });
    expect(documents()).toBe(before);
  });

  it("a request is split as it says, and an event whose metadata states another length is refused", async () => {
    const { deliver } = await openDeliveries({ metadata: { "segment-seconds": "5" } });
    expect((await deliver(request({ segmentSeconds: 3 }))).outcome).toMatchObject({ outcome: "split", segments: 2 });
    expect((await deliver({})).outcome).toMatchObject(refused("AlreadySplit"));
  });

  it.each([
    ["a request that can't be met", {}, request({ segmentSeconds: 0.1 })],
    ["a malformed request", {}, MALFORMED],
    ["metadata that can't be used", BAD_METADATA, {}],
  ])("%s is a rejection, which a better request ends", async (_what, world, bad) => {
    const { deliver, types } = await openDeliveries(world);
    expect((await deliver(bad)).outcome).toMatchObject({ outcome: "rejected" });
    expect((await deliver(request({ segmentSeconds: 3 }))).outcome).toMatchObject({ outcome: "split", segments: 2 });
    expect(types().filter((type) => type === "VideoRejected")).toHaveLength(1);
  });
});

describe("during the split, before it is planned", () => {
  it.each([
    ["the upload's event again", {}],
    ["a request that states no cut", request()],
  ])("%s is left alone", async (_what, requested) => {
    const { begin, deliver } = await openDeliveries();
    const { finish } = await begin("before it is planned");
    expect(await deliver(requested)).toEqual({ outcome: leftAlone, events: [] });
    expect((await finish()).outcome).toMatchObject({ outcome: "split" });
  });

  it("a request that is delivered twice is left alone the second time, also with overrides", async () => {
    const { begin, deliver } = await openDeliveries();
    const { finish } = await begin("before it is planned", request({ segmentSeconds: 3 }));
    expect(await deliver(request({ segmentSeconds: 3 }))).toEqual({ outcome: leftAlone, events: [] });
    await finish();
  });

  it.each([
    ["another", request({ segmentSeconds: 3 }), refused("AlreadySplit")],
    ["the same", request({ segmentSeconds: 2 }), { outcome: "split" }],
  ])(
    "a request for %s length is tried again, until it's known how the object is cut",
    async (_what, requested, answer) => {
      const { begin, deliver } = await openDeliveries();
      const { finish } = await begin("before it is planned");
      expect((await deliver(requested, {}, "later")).outcome).toMatchObject(busy);
      await finish();
      expect((await deliver(requested, {}, "later")).outcome).toMatchObject(answer);
    },
  );

  it("a request isn't lost when the delivery in progress ends in a rejection", async () => {
    const { begin, deliver } = await openDeliveries({ endsAfter: stopsAt(0, "no", "UnsupportedCut") });
    const { finish } = await begin("before it is planned", request({ cut: "exact" }));
    const other = (world = {}) => deliver(request({ segmentSeconds: 3 }), world, "other");
    expect((await other()).outcome).toMatchObject(busy);
    expect((await finish()).outcome).toMatchObject({ outcome: "rejected" });
    expect((await other({ endsAfter: undefined })).outcome).toMatchObject({ outcome: "split", segments: 2 });
  });

  it("a malformed request is refused immediately, and rejects nothing", async () => {
    const { begin, deliver, types } = await openDeliveries();
    const { finish } = await begin("before it is planned");
    expect((await deliver(MALFORMED)).outcome).toMatchObject(refused("InvalidRequest"));
    await finish();
    expect(types()).not.toContain("VideoRejected");
  });
});

describe("during the split, once it is planned", () => {
  it.each(cases(SAME))("%s is left alone", async (_what, requested) => {
    const { begin, deliver } = await openDeliveries();
    const { finish } = await begin("while it is cut");
    expect(await deliver(requested)).toEqual({ outcome: leftAlone, events: [] });
    expect((await finish()).outcome).toMatchObject({ outcome: "split" });
  });

  it.each(cases(DIFFERENT))("%s is refused, with the choice that is kept", async (_what, requested) => {
    const { begin, deliver, types } = await openDeliveries();
    const { finish } = await begin("while it is cut");
    const { outcome, events } = await deliver(requested);
    expect(outcome).toMatchObject(refused("AlreadyBegun"));
    expect(events).toMatchObject([{ data: { segment_seconds: 2, cut: "keyframe", output_key_prefix: "out/" } }]);
    expect((await finish()).outcome).toMatchObject({ outcome: "split", segments: 3 });
    expect(types()).not.toContain("VideoRejected");
  });
});

describe("after an attempt that did not finish", () => {
  const fails = { endsAfter: notFetched(1, new SourceFetchError("S3 is down")) };

  it("a request for another length is refused, and the split continues as it was begun", async () => {
    const { deliver, types } = await openDeliveries();
    expect((await deliver({}, fails)).outcome).toBeInstanceOf(SourceFetchError);
    const { outcome, events } = await deliver(request({ segmentSeconds: 3 }));
    expect(outcome).toMatchObject({ outcome: "split", segments: 3 });
    expect(events[0]).toMatchObject({ type: "RequestRefused", data: { refusal: { reason: "AlreadyBegun" } } });
    expect(types().filter((type) => type === "SegmentCreated")).toHaveLength(3);
  });

  it.each([
    ["a malformed request", MALFORMED, {}],
    ["metadata that can't be used", {}, BAD_METADATA],
  ])("%s is refused, and the next delivery finishes the split", async (_what, bad, world) => {
    const { deliver, types } = await openDeliveries();
    await deliver({}, fails, "upload");
    expect((await deliver(bad, world)).outcome).toMatchObject(refused("AlreadyBegun"));
    expect((await deliver({}, {}, "upload")).outcome).toMatchObject({ outcome: "split", segments: 3 });
    expect(types()).not.toContain("VideoRejected");
  });

  it("its retry, after another request was answered, continues as it began", async () => {
    const { begin, deliver, types } = await openDeliveries();
    const killed = await begin("while it is cut", {}, "upload");
    expect((await deliver(request({ cut: "exact" }))).outcome).toMatchObject(refused("AlreadyBegun"));
    expect((await deliver({}, {}, "upload")).outcome).toMatchObject({ outcome: "split", segments: 3 });
    expect((await deliver(request({ cut: "exact" }))).outcome).toMatchObject(refused("AlreadySplit"));
    expect(types()).not.toContain("VideoRejected");
    expect((await killed.fail(new Error("it was killed long ago"))).outcome).toBeInstanceOf(Error);
  });
});

describe("after a rejection", () => {
  const unsupported = { endsAfter: stopsAt(0, "no encoder", "UnsupportedCut") };
  const broken = { endsAfter: stopsAt(1, "broken packet") };

  it("of which no segment came, another cut can be requested, as the rejection advises", async () => {
    const { deliver, events } = await openDeliveries();
    expect((await deliver(request({ cut: "exact" }), unsupported)).outcome).toMatchObject({ reason: "UnsupportedCut" });
    expect((await deliver(request({ cut: "keyframe" }))).outcome).toMatchObject({ outcome: "split" });
    const planned = events.filter(({ type }) => type === "SplitPlanned").map(({ metadata }) => metadata.eventId);
    expect(new Set(planned).size).toBe(2);
    expect(events.at(-1)).toMatchObject({ type: "VideoSplit", data: { cut: "keyframe" } });
  });

  it("after its first segments, which stay announced, the cut stays too", async () => {
    const { deliver } = await openDeliveries();
    expect((await deliver({}, broken)).outcome).toMatchObject({ outcome: "rejected", reason: "UnreadableMedia" });
    const { outcome, events } = await deliver(request({ segmentSeconds: 3 }));
    expect(events[0]).toMatchObject({ type: "RequestRefused", data: { refusal: { reason: "AlreadyBegun" } } });
    expect(outcome).toMatchObject({ outcome: "split", segments: 3 });
  });
});
