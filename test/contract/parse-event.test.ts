import { describe, expect, it } from "vitest";
import {
  eventSchema,
  eventTypes,
  InvalidEventError,
  isEvent,
  isInvalidEventError,
  isUnknownEventError,
  parseEvent,
  UnknownEventError,
} from "#events-schema";
import { readExample } from "./example-events.ts";

const example = await readExample("SegmentCreated");

function errorOf(event: unknown): unknown {
  try {
    return parseEvent(event);
  } catch (error) {
    return error;
  }
}

describe("parsing an event", () => {
  it.each(eventTypes)("given the example of %s, then it has its type, metadata and data", async (type) => {
    const { detail, ...envelope } = await readExample(type);
    expect(parseEvent({ detail, ...envelope })).toEqual({ type, ...detail });
  });

  it("given fields of a later version, at any depth, then they are ignored", async () => {
    const planned = await readExample("SplitPlanned");
    const [track] = planned.detail.data.omitted_tracks as object[];
    const tomorrow = {
      ...planned,
      "trace-header": "x",
      detail: {
        added: 1,
        metadata: { ...planned.detail.metadata, tenant: "a" },
        data: { ...planned.detail.data, colour: "bt709", omitted_tracks: [{ ...track, language: "en" }] },
      },
    };
    expect(parseEvent(tomorrow)).toEqual(parseEvent(planned));
  });

  it("given a rejection for a reason that isn't known yet, then it is read", async () => {
    const rejected = await readExample("VideoRejected");
    rejected.detail.data.rejection = { reason: "CursedByAWitch", message: "" };
    expect(parseEvent(rejected)).toMatchObject({ data: { rejection: { reason: "CursedByAWitch" } } });
  });

  it.each([
    ["another source", { ...example, source: "aws.s3" }, /"SegmentCreated" is an event of "aws\.s3"/],
    [
      "a detail-type that isn't known",
      { ...example, "detail-type": "SegmentDeleted" },
      /"SegmentDeleted" is not among/,
    ],
    ["a detail-type that every object has", { ...example, "detail-type": "toString" }, /"toString" is not among/],
    ["something that is no EventBridge event", { Records: [] }, /Not an EventBridge event: source/],
    ["nothing", undefined, /Not an EventBridge event/],
  ])("given %s, then it throws UnknownEventError and says what it is", (_, event, message) => {
    expect(() => parseEvent(event)).toThrow(UnknownEventError);
    expect(() => parseEvent(event)).toThrow(message);
  });

  it("given an invalid event of ours, then it throws InvalidEventError, which names the event and each field", () => {
    const { checksum: _, ...data } = example.detail.data;
    const broken = { ...example, detail: { ...example.detail, data: { ...data, size: [1080, "1920"] } } };
    expect(() => parseEvent(broken)).toThrow(InvalidEventError);
    expect(() => parseEvent(broken)).toThrow(
      /SegmentCreated is not valid: .*detail\.data\.checksum: .*detail\.data\.size\[1\]: /,
    );
  });

  it("given no detail, then the error names it", () => {
    expect(() => parseEvent({ ...example, detail: undefined })).toThrow(/SegmentCreated is not valid: detail: /);
  });

  it("tells its errors apart by a stable code, with the cause kept", () => {
    const unknown = errorOf({ ...example, source: "other" });
    const invalid = errorOf({ ...example, detail: {} });
    expect([isUnknownEventError(unknown), isInvalidEventError(unknown)]).toEqual([true, false]);
    expect([isUnknownEventError(invalid), isInvalidEventError(invalid)]).toEqual([false, true]);
    expect(unknown).toMatchObject({ code: "UnknownEvent", name: "UnknownEventError" });
    expect(invalid).toMatchObject({
      code: "InvalidEvent",
      name: "InvalidEventError",
      type: "SegmentCreated",
      cause: expect.any(Error),
    });
  });
});

describe("whether an event is ours", () => {
  it("goes by source and detail-type", () => {
    expect(isEvent(example)).toBe(true);
    expect(isEvent({ ...example, detail: {} })).toBe(true);
    expect(isEvent({ ...example, source: "aws.s3" })).toBe(false);
    expect(isEvent({ ...example, "detail-type": "Object Created" })).toBe(false);
    expect(isEvent(null)).toBe(false);
  });
});

it.each(eventTypes)("makes the schema of %s once: making it takes longer than reading an event", (type) => {
  expect(eventSchema(type)).toBe(eventSchema(type));
});
