import { describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import type { Ledger } from "../../../services/split/ports/ledger.ts";
import { OutOfTimeError } from "../../../services/video/errors.ts";
import { fakeSavedIndexes } from "../../fakes/saved-indexes.ts";
import { outcomesById } from "../../fixtures/outcomes.ts";
import { requestsIn, slow, VIDEO } from "../../fixtures/ranged-split.ts";
import { openLedger, outOfTimeAt, packets, split, stopsAt, type World } from "../../fixtures/split-world.ts";

const ranges = (events: VideoSplitEvent[]) =>
  events.flatMap((event) => (event.type === "SegmentRangeRequested" ? [event] : []));

/** The request of a later invocation. */
const next = (invocation: number, lastSegment = 2): Partial<World> => ({
  request: { continuation: { lastSegment, invocation }, messageId: `m${invocation}` },
});

describe("given time runs out after a segment was made", () => {
  it("then the others are requested, and the invocation ends well", async () => {
    const { outcome, events, types, measurements, left } = await split(outOfTimeAt(2));
    expect(outcome).toEqual({ outcome: "continued", VideoId: 16_384, firstSegment: 2 });
    // A segment that was uploaded, and not announced in time, is announced by the next invocation.
    expect(types.at(0)).toBe("SplitPlanned");
    expect(types.at(-1)).toBe("SegmentRangeRequested");
    expect(types).not.toContain("VideoSplit");
    expect(ranges(events)[0]?.data).toMatchObject({ first_segment: 2, last_segment: 2, invocation: 2 });
    expect(measurements).toEqual([
      { type: "continued", videoId: 16_384, segments: 2, started: 0, finishedAfter: undefined },
    ]);
    expect(left).toEqual([]);
  });

  it("then the next invocation makes those, and announces what a single one would have", async () => {
    const ledger = openLedger();
    const world = { ledger, packets: packets(12) };
    const first = await split({ ...world, ...outOfTimeAt(2) });
    const second = await split({ ...world, ...next(2), ...outOfTimeAt(4) });
    const third = await split({ ...world, ...next(3) });
    expect([first, second, third].map(({ uploads }) => uploads.length)).toEqual([2, 2, 2]);
    expect(ranges([...first.events, ...second.events]).map(({ data }) => data.invocation)).toEqual([2, 3]);
    expect(third.outcome).toMatchObject({ outcome: "split", segments: 6 });
    const whole = await split({ packets: packets(12) });
    const continued = outcomesById([...first.events, ...second.events, ...third.events]);
    expect(continued).toEqual(outcomesById(whole.events));
  });

  it("then the next one is requested only when it no longer counts as a duplicate of this one", async () => {
    let isHeld = false;
    const once: World["once"] = async (_key, _asking, work) => {
      isHeld = true;
      const { result } = await work();
      isHeld = false;
      return { result };
    };
    const ledger = openLedger();
    const seen: boolean[] = [];
    const recordProgress = async () => void seen.push(isHeld);
    const { types } = await split({ ...outOfTimeAt(1), once, ledger: { ...ledger, recordProgress } });
    expect(seen).toEqual([false]);
    expect(types.at(-1)).toBe("SegmentRangeRequested");
  });

  it("then the ledger knows when, for the reconciler", async () => {
    const ledger = openLedger();
    const seen: [number, number][] = [];
    const recordProgress: Ledger["recordProgress"] = async (videoId, at) => void seen.push([videoId, at]);
    await split({ ledger: { ...ledger, recordProgress }, ...outOfTimeAt(1) });
    expect(seen).toEqual([[16_384, Date.UTC(2026, 10, 23) / 1_000]]);
  });
});

describe("given time runs short", () => {
  /** Twelve segments, and an invocation of so many seconds of the clock. */
  const world = (seconds: number): Partial<World> => ({
    ...slow(),
    packets: packets(24),
    maxConcurrentRanges: 1,
    secondsLeft: (elapsed) => Math.max(0, seconds - elapsed),
  });

  it("then it ends with the last segment that there is time for, and the next invocation makes the others", async () => {
    const ledger = openLedger();
    const expected: number[] = [];
    const first = await split({ ...world(15), ledger, onReadUpTo: (segment) => void expected.push(segment) });
    const made = first.uploads.length;
    expect(first.outcome).toMatchObject({ outcome: "continued", firstSegment: made });
    expect(made).toBeGreaterThan(2);
    expect(made).toBeLessThan(12);
    expect(expected.at(-1)).toBe(made - 1);
    const second = await split({ ledger, packets: packets(24), request: requestsIn(first.events)[0]! });
    expect(second.uploads).toHaveLength(12 - made);
    const whole = await split({ packets: packets(24) });
    expect(outcomesById([...first.events, ...second.events])).toEqual(outcomesById(whole.events));
  });

  it("then a range is ended in the same way", async () => {
    const ledger = openLedger();
    const [request] = requestsIn((await split({ ...VIDEO, ledger, ...slow(), maxConcurrentRanges: 2 })).events);
    const worker = await split({ ...world(5), ledger, request: request! });
    expect(worker.outcome).toMatchObject({ outcome: "continued" });
    expect(worker.uploads.length).toBeGreaterThan(0);
    const last = await split({ ...VIDEO, ledger, request: requestsIn(worker.events)[0]! });
    expect(last.outcome).toMatchObject({ outcome: "split", segments: 12 });
  });
});

describe("given time runs out", () => {
  it("and no segment was made, then the reason is thrown: another invocation would make none either", async () => {
    const { outcome, types } = await split(outOfTimeAt(0));
    expect(outcome).toBeInstanceOf(OutOfTimeError);
    expect(types).toEqual(["SplitPlanned"]);
  });

  it("and an earlier invocation made the segments, then the reason is thrown", async () => {
    const ledger = openLedger();
    await split({ ledger, ...outOfTimeAt(1) });
    const { outcome } = await split({ ledger, ...next(2), ...outOfTimeAt(1) });
    expect(outcome).toBeInstanceOf(OutOfTimeError);
  });
});

describe("a request for what an invocation left", () => {
  it("states no way of cutting: neither the object's metadata nor today's settings are used", async () => {
    const ledger = openLedger();
    const world = { ledger, packets: packets(12) };
    await split({ ...world, ...outOfTimeAt(2) });
    const { outcome, types } = await split({
      ...world,
      ...next(2),
      cut: "exact",
      metadata: { "segment-seconds": "1" },
    });
    expect(outcome).toMatchObject({ outcome: "split", segments: 6 });
    expect(types).not.toContain("RequestRefused");
  });

  it("does nothing where the video was rejected in the meantime, and the choice released", async () => {
    const { outcome, types } = await split(next(2));
    expect(outcome).toMatchObject({ outcome: "skipped" });
    expect(types).toEqual([]);
  });

  it("does nothing where the video is split already", async () => {
    const ledger = openLedger();
    await split({ ledger });
    const { outcome, types } = await split({ ledger, ...next(2) });
    expect(outcome).toMatchObject({ outcome: "already split" });
    expect(types).toEqual([]);
  });

  it("ends the video where it can't be cut further", async () => {
    const ledger = openLedger();
    await split({ ledger, ...outOfTimeAt(1) });
    const { outcome } = await split({ ledger, ...next(2), endsAfter: stopsAt(2, "broken packet") });
    expect(outcome).toMatchObject({ outcome: "rejected", reason: "UnreadableMedia" });
  });

  it("has an id of its own for each invocation", async () => {
    const ledger = openLedger();
    const world = { ledger, packets: packets(12) };
    const first = await split({ ...world, ...outOfTimeAt(2) });
    const second = await split({ ...world, ...next(2), ...outOfTimeAt(4) });
    const ids = ranges([...first.events, ...second.events]).map(({ metadata }) => metadata.eventId);
    expect(new Set(ids).size).toBe(2);
  });
});

describe("an index that took long to read", () => {
  /** By the clock: the scan takes so many seconds. */
  const scanTakes = (seconds: number): Partial<World> => ({
    times: [
      "2026-11-23T00:00:00Z",
      "2026-11-23T00:00:00Z",
      new Date(Date.UTC(2026, 10, 23, 0, 0, seconds)).toISOString(),
    ],
  });
  /** Shows whether the source was read again: it then has twice as many packets. */
  const longer = { packets: packets(12), ...next(2) };

  it("is saved, and the next invocation doesn't read it again", async () => {
    const { ledger, indexes } = { ledger: openLedger(), indexes: fakeSavedIndexes() };
    await split({ ledger, indexes, ...scanTakes(11), ...outOfTimeAt(1) });
    const { outcome, events } = await split({ ledger, indexes, ...longer });
    expect(outcome).toMatchObject({ outcome: "split", segments: 3 });
    const { proof } = events.find((event) => event.type === "VideoSplit")!.data;
    expect(proof).toMatchObject({ source_frames: 6 });
  });

  it("counts as progress once, even if no segment was made", async () => {
    const { ledger, indexes } = { ledger: openLedger(), indexes: fakeSavedIndexes() };
    const first = await split({ ledger, indexes, ...scanTakes(11), ...outOfTimeAt(0) });
    expect(first.outcome).toMatchObject({ outcome: "continued", firstSegment: 0 });
    const second = await split({ ledger, indexes, ...longer, ...outOfTimeAt(0) });
    expect(second.outcome).toBeInstanceOf(OutOfTimeError);
  });

  it("is saved, however long it took, when this invocation has no time for the rest, which isn't divided", async () => {
    const { ledger, indexes } = { ledger: openLedger(), indexes: fakeSavedIndexes() };
    const world = { ...VIDEO, ledger, indexes, maxConcurrentRanges: 1 };
    await split({ ...world, ...slow(), ...outOfTimeAt(6) });
    const { outcome } = await split({ ...world, packets: packets(48), ...next(2, 11) });
    expect(outcome).toMatchObject({ outcome: "split", segments: 12 });
  });

  it("isn't saved when it took ten seconds at most: the next invocation reads it again", async () => {
    const { ledger, indexes } = { ledger: openLedger(), indexes: fakeSavedIndexes() };
    await split({ ledger, indexes, ...scanTakes(10), ...outOfTimeAt(1) });
    expect((await split({ ledger, indexes, ...longer })).outcome).toMatchObject({ outcome: "split", segments: 6 });
  });
});
