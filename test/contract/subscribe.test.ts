import type { Context, Handler } from "aws-lambda";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  contractCases,
  eventTypes,
  exampleOf,
  InvalidEventError,
  type LambdaContext,
  parseEvent,
  patternOf,
  subscribe,
  UnknownEventError,
} from "#events-schema";
import { readExample } from "./example-events.ts";

const context: LambdaContext = {
  awsRequestId: "r1",
  functionName: "thumbnails",
  getRemainingTimeInMillis: () => 1_000,
};

const created = await readExample("SegmentCreated");

describe("subscribing to one event", () => {
  it("given that event, then the function gets its data, typed, and the handler its result", async () => {
    const handler = subscribe("SegmentCreated", async (segment) => {
      expectTypeOf(segment.segment_index).toEqualTypeOf<number>();
      return segment.key;
    });
    expect(await handler(created, context)).toBe(created.detail.data.key);
  });

  it("given a replayed event, then the function gets the metadata, the replay's name and Lambda's context", async () => {
    const handler = subscribe("SegmentCreated", (_, delivery) => delivery);
    expect(await handler({ ...created, "replay-name": "rebuild" }, context)).toEqual({
      metadata: created.detail.metadata,
      envelope: expect.objectContaining({
        "replay-name": "rebuild",
        "detail-type": "SegmentCreated",
        region: "eu-west-1",
      }),
      context,
    });
  });

  it("given another event of ours, then it throws and says that the rule's pattern is too wide", async () => {
    const handler = subscribe("SegmentCreated", () => undefined);
    const split = await readExample("VideoSplit");
    await expect(handler(split, context)).rejects.toThrow(UnknownEventError);
    await expect(handler(split, context)).rejects.toThrow(
      /VideoSplit reached a function that subscribes to SegmentCreated/,
    );
  });

  it("given an event of others or a broken one, then it throws", async () => {
    const handler = subscribe("SegmentCreated", () => undefined);
    await expect(handler({ ...created, source: "aws.s3" }, context)).rejects.toThrow(UnknownEventError);
    await expect(handler({ ...created, detail: {} }, context)).rejects.toThrow(InvalidEventError);
  });

  it("given that the function throws, then the handler throws the same, so that Lambda retries", async () => {
    const fault = new Error("no space");
    const handler = subscribe("SegmentCreated", () => {
      throw fault;
    });
    await expect(handler(created, context)).rejects.toBe(fault);
  });

  it("given a name that isn't an event of ours, then it throws when the module loads", () => {
    expect(() => subscribe("SegmentMade" as "SegmentCreated", () => undefined)).toThrow(/"SegmentMade"/);
  });

  it("makes a handler as Lambda's types have it", () => {
    expectTypeOf(subscribe("VideoSplit", () => undefined)).toExtend<Handler>();
    expectTypeOf<Context>().toExtend<LambdaContext>();
  });
});

describe("subscribing to several events", () => {
  const handler = subscribe({ SegmentCreated: ({ key }) => key, VideoSplit: ({ segment_count }) => segment_count });

  it("given each of them, then its own function gets it", async () => {
    expect(await handler(created, context)).toBe(created.detail.data.key);
    expect(await handler(await readExample("VideoSplit"), context)).toBe(3);
  });

  it("given an event without a function, then it throws", async () => {
    await expect(handler(await readExample("VideoRejected"), context)).rejects.toThrow(/SegmentCreated, VideoSplit/);
  });
});

describe("the pattern of events", () => {
  it("is valid in a rule", () => {
    expect(patternOf("SegmentCreated", "VideoSplit")).toEqual({
      source: ["video-split"],
      "detail-type": ["SegmentCreated", "VideoSplit"],
    });
  });

  it("matches the examples of its events, by EventBridge's rule for exact values", async () => {
    for (const type of eventTypes) {
      const event = await readExample(type);
      expect(patternOf(type).source).toContain(event.source);
      expect(patternOf(type)["detail-type"]).toContain(event["detail-type"]);
    }
  });
});

describe.each(eventTypes)("what the contract allows of %s", (type) => {
  it.each(contractCases(type))("$says: a consumer accepts it", async ({ event }) => {
    const handler = subscribe(type, (_data, { metadata }) => metadata.eventId);
    expect(await handler(event, context)).toBe(exampleOf(type).detail.metadata.eventId);
  });
});

describe("an example for a consumer's tests", () => {
  it("has the changed fields, and is a valid event", () => {
    const event = exampleOf("SegmentCreated", { extension: "webm" }, { eventId: "another" });
    expect(event.detail).toMatchObject({
      data: { extension: "webm", segment_index: 1 },
      metadata: { eventId: "another" },
    });
    expect(parseEvent(event).type).toBe("SegmentCreated");
  });

  it("can't be what no event is", () => {
    expect(() => exampleOf("SegmentCreated", { bytes: -1 })).toThrow(/data\.bytes/);
  });
});
