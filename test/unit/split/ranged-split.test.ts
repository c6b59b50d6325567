import { describe, expect, it } from "vitest";
import type { EventData } from "#events-schema";
import type { Ledger } from "../../../services/split/ports/ledger.ts";
import { costOf, NO_USAGE } from "../../../services/video/usage.ts";
import { fakeOnce } from "../../fakes/once.ts";
import { contentById, type Request, requestsIn, slow, VIDEO, wholeContent } from "../../fixtures/ranged-split.ts";
import { openLedger, outOfTimeAt, split } from "../../fixtures/split-world.ts";

describe("given a video takes longer than an invocation has", () => {
  it("then it's divided: others are requested while the first continues, and the last one to finish ends it", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow() });
    expect(first.outcome).toEqual({ outcome: "range done", VideoId: 16_384 });
    const requests = requestsIn(first.events);
    expect(requests.length).toBe(3);
    expect(first.types.lastIndexOf("SegmentRangeRequested")).toBeLessThan(first.types.lastIndexOf("SegmentCreated"));

    const others = [];
    for (const request of requests.toReversed()) others.push(await split({ ...VIDEO, ledger, request }));
    expect(others.map(({ outcome }) => (outcome as { outcome: string }).outcome)).toEqual([
      ...["range done", "range done", "split"],
    ]);
    const all = [first, ...others];
    expect(all.map(({ types }) => types.includes("VideoSplit"))).toEqual([false, false, false, true]);
    expect(contentById(all.flatMap(({ events }) => events))).toEqual(await wholeContent());
    expect(all.reduce((sum, { uploads }) => sum + uploads.length, 0)).toBe(12);
  });

  it("then its cost is what all invocations used, and the first one to announce it decides", async () => {
    const ledger = openLedger();
    const used = { gbSeconds: 0.5, bytesRead: 10, events: 2 };
    const first = await split({ ...VIDEO, ledger, usage: used, ...slow(), maxConcurrentRanges: 2 });
    const [request] = requestsIn(first.events);
    const worker = { ...VIDEO, ledger, usage: used, request: request! };
    const busDown = async (type: string) => {
      if (type === "VideoSplit") throw new Error("the bus is down");
    };
    expect((await split({ ...worker, onPublish: busDown })).outcome).toBeInstanceOf(Error);
    const { events } = await split(worker);
    // Recorded twice by each invocation: the first one after its range and at its end, the second
    // one after its range and before the announcement. What the retry used came too late.
    expect((events.at(-1)!.data as EventData<"VideoSplit">).cost).toEqual({
      ...costOf({ ...NO_USAGE, invocations: 2 }),
      ...{ gb_seconds: 2, bytes_read: 40, events: 8 },
    });
  });

  it("then a video with enough time left isn't divided", async () => {
    const { types } = await split({ ...VIDEO, ...slow(), secondsLeft: 100 });
    expect(types).not.toContain("SegmentRangeRequested");
  });

  it("then the time of the whole split is measured, not that of the last invocation", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow(), maxConcurrentRanges: 2 });
    const [request] = requestsIn(first.events);
    const times = ["2026-11-23T00:10:00Z"];
    const { measurements } = await split({ ...VIDEO, ledger, request: request!, times });
    expect(measurements).toEqual([expect.objectContaining({ type: "split", segments: 12, splitSeconds: 600 })]);
  });

  it("then a worker that runs out of time leaves the rest of its own range, and the chain is counted", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow() });
    const last = requestsIn(first.events).at(-1)!;
    const worker = await split({ ...VIDEO, ledger, request: last, ...outOfTimeAt(11) });
    expect(worker.events.at(-1)?.data).toMatchObject({ first_segment: 11, last_segment: 11, invocation: 3 });
    const next = await split({ ...VIDEO, ledger, request: requestsIn(worker.events)[0]! });
    expect(next.outcome).toEqual({ outcome: "range done", VideoId: 16_384 });
  });

  it("then one that runs out of time before it divided requests all ranges, its own first", async () => {
    const { events, outcome } = await split({ ...VIDEO, ...outOfTimeAt(4) });
    expect(outcome).toEqual({ outcome: "continued", VideoId: 16_384, firstSegment: 4 });
    const ranges = events.filter(({ type }) => type === "SegmentRangeRequested").map(({ data }) => data);
    expect(ranges).toMatchObject([
      { first_segment: 4, last_segment: 5 },
      { first_segment: 6, last_segment: 7 },
      { first_segment: 8, last_segment: 9 },
      { first_segment: 10, last_segment: 11 },
    ]);
  });

  it("then a request for all of it requests the ranges that aren't finished, and cuts none", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow() });
    await split({ ...VIDEO, ledger, request: requestsIn(first.events)[1]! });
    const again = await split({ ...VIDEO, ledger, request: { explicit: true } });
    expect(again.outcome).toMatchObject({ outcome: "continued" });
    expect(again.uploads).toEqual([]);
    const [second, , fourth] = requestsIn(first.events);
    expect(requestsIn(again.events)).toEqual([second, fourth]);
  });

  it("then a request for all of it, where all is finished and not announced, leads to the end", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow(), maxConcurrentRanges: 2 });
    const failing = async (type: string) => {
      if (type === "VideoSplit") throw new Error("the bus is down");
    };
    const [request] = requestsIn(first.events);
    await split({ ...VIDEO, ledger, request: request!, onPublish: failing });
    const again = await split({ ...VIDEO, ledger, request: { explicit: true } });
    const end = await split({ ...VIDEO, ledger, request: requestsIn(again.events)[0]! });
    expect(end.types).toEqual(["VideoSplit"]);
  });

  it("then a range is requested again when the records of its segments have expired", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow() });
    const requests = requestsIn(first.events);
    await split({ ...VIDEO, ledger, request: requests[0]! });
    await split({ ...VIDEO, ledger, request: requests[1]! });
    const delivered: Ledger["delivered"] = async (...of) => {
      const found = await ledger.delivered(...of);
      found.delete(0);
      return found;
    };
    const last = await split({ ...VIDEO, ledger: { ...ledger, delivered }, request: requests[2]! });
    expect(last.types).not.toContain("VideoSplit");
    expect(last.events.at(-1)?.data).toMatchObject({ first_segment: 0 });
    const end = await split({ ...VIDEO, ledger, request: requestsIn(last.events)[0]! });
    expect(end.outcome).toMatchObject({ outcome: "split", segments: 12 });
  });

  it("then another container than the first one's isn't tried in a range", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow(), refused: ["mp4"] });
    const { uploads } = await split({ ...VIDEO, ledger, request: requestsIn(first.events)[0]! });
    expect(uploads.every((key) => key.endsWith(".mkv"))).toBe(true);
  });

  it("then its choice is kept when one range is rejected before a segment of it", async () => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow() });
    const endsAfter = { segments: 4, ending: { type: "impossible", reason: "UnreadableMedia", detail: "x" } as const };
    const rejected = await split({ ...VIDEO, ledger, request: requestsIn(first.events)[0]!, endsAfter });
    expect(rejected.outcome).toMatchObject({ outcome: "rejected" });
    expect((await ledger.recall(16_384)).choice).toBeDefined();
  });
});

it("given two ranges are finished at the same moment, then the end is announced, by one or by both", async () => {
  const ledger = openLedger();
  const first = await split({ ...VIDEO, ledger, ...slow() });
  const others = await Promise.all(requestsIn(first.events).map((request) => split({ ...VIDEO, ledger, request })));
  const ends = others.flatMap(({ events }) => events.filter(({ type }) => type === "VideoSplit"));
  expect(new Set(ends.map(({ metadata }) => metadata.eventId)).size).toBe(1);
  expect(contentById([first, ...others].flatMap(({ events }) => events))).toEqual(await wholeContent());
});

describe("given two deliveries at the same moment", () => {
  const both = async (choose: (requests: NonNullable<Request>[]) => NonNullable<Request>[]) => {
    const ledger = openLedger();
    const first = await split({ ...VIDEO, ledger, ...slow() });
    const once = fakeOnce();
    const runs = choose(requestsIn(first.events)).map((request, at) =>
      split({ ...VIDEO, ledger, request, once: once.invocation(`m${at}`, 900_000) }),
    );
    const ended = await Promise.all(runs);
    return {
      outcomes: ended.map(({ outcome }) => (outcome as { outcome: string }).outcome).sort(),
      uploads: ended.flatMap(({ uploads }) => uploads),
    };
  };

  it("of one range, then one of them cuts it", async () => {
    const { outcomes, uploads } = await both(([range]) => [range!, range!]);
    expect(outcomes).toEqual(["done elsewhere", "range done"]);
    expect(uploads.length).toBe(new Set(uploads).size);
  });

  it("of two ranges, then both are cut", async () => {
    const { outcomes } = await both(([one, other]) => [one!, other!]);
    expect(outcomes).toEqual(["range done", "range done"]);
  });
});
