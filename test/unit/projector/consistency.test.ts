import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { BLOCK_SIZE, eventTypes, parseEvent, segmentId } from "#events-schema";
import { sha256 } from "../../../services/aws/ledger.ts";
import { checkedDocumentId } from "../../../services/projector/domain/consistency.ts";
import {
  type DocumentEvent,
  InconsistentEventError,
  isDocumentEvent,
} from "../../../services/projector/domain/identity.ts";
import { blockOf, correlationId, MAX_SALTS } from "../../../services/video/ids.ts";
import {
  announced,
  at,
  place,
  plannedData,
  posterData,
  RUN,
  rejectedData,
  segmentData,
  splitData,
  UPLOAD,
  wholeRun,
} from "./events-of-a-run.ts";

const NOW = new Date(at(0));
const check = (event: DocumentEvent) => checkedDocumentId(event, sha256, NOW);

const occurring = (occurredAt: string, event = announced("VideoSplit", 0, splitData())): DocumentEvent => ({
  ...event,
  metadata: { ...event.metadata, occurredAt },
});

const withMetadata = (event: DocumentEvent, metadata: Partial<DocumentEvent["metadata"]>): DocumentEvent => ({
  ...event,
  metadata: { ...event.metadata, ...metadata },
});

describe("an event that the service made", () => {
  it("is about the upload, or about a segment in its block", () => {
    expect([...wholeRun(), announced("VideoRejected", 0, rejectedData())].map(check)).toEqual([
      UPLOAD,
      ...[0, 0, 1, 2].map((index) => segmentId(UPLOAD, index)),
      UPLOAD,
      UPLOAD,
    ]);
  });

  it.each(eventTypes)("may be the example of %s", async (type) => {
    const file = new URL(`../../../events-schema/examples/${type}.json`, import.meta.url);
    const event = parseEvent(JSON.parse(await readFile(file, "utf8")));
    if (isDocumentEvent(event)) expect(check(event)).toBe(event.data.VideoId);
  });

  it("may be in any block that a salt gives, where other uploads had the ones before", () => {
    const other = blockOf(RUN, MAX_SALTS - 1, sha256);
    expect(check(announced("SplitPlanned", 0, plannedData({ VideoId: other })))).toBe(other);
  });

  it("may be years old, as a replay's, and of a clock that is an hour ahead", () => {
    expect(check(occurring("2019-01-01T00:00:00Z"))).toBe(UPLOAD);
    expect(check(occurring(at(3_600_000)))).toBe(UPLOAD);
  });
});

describe("an event that the service can't have made is refused", () => {
  const split = announced("VideoSplit", 0, splitData());
  const segment = announced("SegmentCreated", 0, segmentData(1));
  const other = correlationId("another source", sha256);

  it.each<[string, DocumentEvent, RegExp]>([
    ["of the year 1, which would never be replaced", occurring("0001-01-01T00:00:00Z"), /before this service existed/],
    ["a segment's of 1970", occurring("1970-01-01T00:00:00Z", segment as never), /before this service existed/],
    ["of the year after", occurring("2027-11-23T12:00:00Z"), /more than a day from now/],
    ["with an id of its own", withMetadata(split, { eventId: "forged" }), /event id forged/],
    ["with another event's id", withMetadata(segment, { eventId: split.metadata.eventId }), /event id/],
    [
      "with another segment's id",
      withMetadata(segment, { eventId: announced("SegmentCreated", 0, segmentData(2)).metadata.eventId }),
      /event id/,
    ],
    [
      "with another upload's correlation id",
      withMetadata(split, { correlationId: other }),
      /doesn't follow from the correlation id/,
    ],
    [
      "a segment's with another upload's correlation id",
      announced("SegmentCreated", 0, segmentData(1), other),
      /doesn't follow/,
    ],
    [
      "about another upload's document",
      announced("VideoSplit", 0, splitData({ VideoId: UPLOAD === BLOCK_SIZE ? 2 * BLOCK_SIZE : BLOCK_SIZE })),
      /doesn't follow/,
    ],
    [
      "about another object",
      announced("VideoSplit", 0, splitData({ key: "uploads/b.mp4", name: "b" })),
      /isn't that of s3/,
    ],
    ["about another bucket", announced("VideoSplit", 0, splitData({ bucket: "elsewhere" })), /isn't that of s3/],
    [
      "about another version of the object",
      announced("VideoSplit", 0, splitData({ version_id: "v2" })),
      /isn't that of s3/,
    ],
    ["about other bytes", announced("VideoSplit", 0, splitData({ etag: "e2" })), /isn't that of s3/],
    ["with another name", announced("VideoSplit", 0, splitData({ name: "b" })), /name and extension/],
    [
      "of a segment with another segment's place",
      announced("SegmentCreated", 0, segmentData(1, place(UPLOAD, 2))),
      /doesn't end with/,
    ],
    [
      "of a segment with any key",
      announced("SegmentCreated", 0, segmentData(1, { key: "uploads/secret.mp4" })),
      /the key/,
    ],
    [
      "of a poster with any key",
      announced("PosterCreated", 0, posterData(1, { key: "uploads/secret.jpg" })),
      /the key/,
    ],
    [
      "of a poster with another segment's id",
      announced("PosterCreated", 0, posterData(1, { VideoId: segmentId(UPLOAD, 2) })),
      /has the id/,
    ],
  ])("%s", (_what, event, message) => {
    expect(() => check(event)).toThrow(InconsistentEventError);
    expect(() => check(event)).toThrow(message);
  });

  it("also where its reason was changed", () => {
    const { metadata } = announced("VideoRejected", 0, rejectedData());
    const forged = announced("VideoRejected", 0, rejectedData({ rejection: { reason: "NotMedia", message: "" } }));
    expect(() => check(withMetadata(forged, { eventId: metadata.eventId }))).toThrow(/event id/);
  });
});
