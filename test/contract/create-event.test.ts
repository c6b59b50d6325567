import { describe, expect, it } from "vitest";
import {
  createEvent,
  type EventData,
  eventTypes,
  isInvalidEventError,
  type Metadata,
  UnknownEventError,
} from "#events-schema";
import { readExample } from "./example-events.ts";

const { detail } = await readExample("SplitPlanned");
const data = detail.data as EventData<"SplitPlanned">;
const metadata = detail.metadata as Metadata;

function faultsOf(create: () => unknown): string[] {
  try {
    create();
  } catch (error) {
    if (isInvalidEventError(error)) return error.faults.map(({ field }) => field);
    throw error;
  }
  return [];
}

describe("creating an event", () => {
  it.each(eventTypes)("given the data of the example of %s, then it makes that event", async (type) => {
    const example = await readExample(type);
    const created = createEvent(
      type,
      example.detail.data as EventData<typeof type>,
      example.detail.metadata as Metadata,
    );
    expect(created).toEqual({ source: "video-split", detailType: type, detail: example.detail });
  });

  it.each([
    ["in the data", { ...data, colour: "red" }, metadata, "data.colour"],
    [
      "in an element of a list",
      { ...data, omitted_tracks: [{ index: 1, type: "data", codec: "gpmd", language: "en" }] },
      metadata,
      "data.omitted_tracks[0].language",
    ],
    ["in the metadata", data, { ...metadata, tenant: "a" }, "metadata.tenant"],
  ])("given an unknown field %s, then it throws and names the field", (_, written, about, field) => {
    expect(faultsOf(() => createEvent("SplitPlanned", written, about))).toEqual([field]);
  });

  it("given several faults, then the error names the event and each field", () => {
    const wrong = { ...data, size: [0, 1080] as [number, number], bytes: -1 };
    expect(faultsOf(() => createEvent("SplitPlanned", wrong, metadata))).toEqual(["data.bytes", "data.size[0]"]);
    expect(() => createEvent("SplitPlanned", wrong, metadata)).toThrow(
      /SplitPlanned is not valid: data\.bytes: .*data\.size\[0\]: /,
    );
  });

  it("given another version than the schema's, then it throws", () => {
    expect(faultsOf(() => createEvent("SplitPlanned", data, { ...metadata, version: 2 }))).toEqual([
      "metadata.version",
    ]);
  });

  it("given an event that doesn't exist, then it throws, also for names that every object has", () => {
    expect(() => createEvent("SegmentMade" as "SplitPlanned", data, metadata)).toThrow(UnknownEventError);
    expect(() => createEvent("constructor" as "SplitPlanned", data, metadata)).toThrow(UnknownEventError);
  });

  it("keeps zod's error as the cause", () => {
    expect(() => createEvent("SplitPlanned", { ...data, bytes: 0.5 }, metadata)).toThrow(
      expect.objectContaining({ code: "InvalidEvent", cause: expect.any(Error) }),
    );
  });
});
