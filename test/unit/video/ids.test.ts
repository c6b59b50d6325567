import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_SIZE, MAX_SEGMENTS, segmentId } from "#events-schema";
import {
  blockOf,
  blockStart,
  correlationId,
  eventId,
  type Hash,
  type UploadEvent,
  uploadEventId,
} from "../../../services/video/ids.ts";
import { sourceIdentity } from "../../../services/video/source.ts";

const sha256: Hash = (text) => createHash("sha256").update(text).digest();

const source = { bucket: "uploads", key: "a b.mp4", etag: "abc", versionId: undefined };

describe("the identity of a source", () => {
  it("is its version where the bucket has versions, whatever its etag", () => {
    const one = sourceIdentity({ ...source, versionId: "v1" });
    expect(sourceIdentity({ ...source, versionId: "v1", etag: "other" })).toBe(one);
    expect(sourceIdentity({ ...source, versionId: "v2" })).not.toBe(one);
  });

  it("is its etag where there are no versions, or where versioning is suspended", () => {
    expect(sourceIdentity({ ...source, etag: "other" })).not.toBe(sourceIdentity(source));
    expect(sourceIdentity({ ...source, versionId: "null" })).toBe(sourceIdentity(source));
  });

  it("keeps bucket and key apart", () => {
    expect(sourceIdentity({ ...source, bucket: "a", key: "b/c" })).not.toBe(
      sourceIdentity({ ...source, bucket: "a/b", key: "c" }),
    );
  });
});

describe("a block of ids", () => {
  it("starts at a positive multiple of 2^14, and its last segment's id is still a safe integer", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(100), (identity, salt) => {
        const start = blockStart(identity, salt, sha256);
        expect(start).toBeGreaterThan(0);
        expect(start % BLOCK_SIZE).toBe(0);
        expect(Number.isSafeInteger(segmentId(start, MAX_SEGMENTS - 1))).toBe(true);
      }),
    );
  });

  it("uses the 39 highest bits of the hash", () => {
    const ones: Hash = () => new Uint8Array(32).fill(0xff);
    expect(blockStart("x", 0, ones)).toBe((2 ** 39 - 1) * BLOCK_SIZE);
    expect(segmentId(blockStart("x", 0, ones), MAX_SEGMENTS - 1)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("is never the block of id 0", () => {
    expect(blockStart("x", 0, () => new Uint8Array(32))).toBe(BLOCK_SIZE);
  });

  it("is another one for another salt", () => {
    expect(blockStart("x", 1, sha256)).not.toBe(blockStart("x", 0, sha256));
  });
});

describe("ids of events", () => {
  const upload = correlationId("s", sha256);
  const segment = (segment_index: number, bytes = 1) =>
    ({ type: "SegmentCreated", data: { segment_index, bytes } }) as UploadEvent;
  const rejected = (reason: string, message = "") =>
    ({ type: "VideoRejected", data: { rejection: { reason, message } } }) as UploadEvent;
  const idOf = (event: UploadEvent, correlation = upload) => uploadEventId(correlation, event, sha256);

  it("are the same for the same event, and differ by type, index and upload", () => {
    expect(idOf(segment(3, 7))).toBe(idOf(segment(3)));
    expect(idOf(segment(4))).not.toBe(idOf(segment(3)));
    expect(idOf(segment(3), correlationId("t", sha256))).not.toBe(idOf(segment(3)));
    expect(eventId(upload, "SplitRequested", 0, sha256)).not.toBe(eventId(upload, "SplitRequested", 1, sha256));
    const types = ["SplitPlanned", "VideoSplit", "VideoRejected", "SegmentCreated"] as const;
    expect(new Set(types.map((type) => eventId(upload, type, undefined, sha256))).size).toBe(types.length);
  });

  it("differ by the reason of a rejection, and not by its words", () => {
    expect(idOf(rejected("GivenUp"))).not.toBe(idOf(rejected("UnreadableMedia")));
    expect(idOf(rejected("TooLarge", "the limit is 5"))).toBe(idOf(rejected("TooLarge", "the limit is 6")));
  });

  it("and the block of ids are computed from the correlation id, which every event has", () => {
    expect(correlationId("s", sha256)).not.toBe(correlationId("t", sha256));
    expect(blockStart("s", 1, sha256)).toBe(blockOf(upload, 1, sha256));
  });

  it("are UUIDs", () => {
    expect(eventId(upload, "VideoSplit", undefined, sha256)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});
