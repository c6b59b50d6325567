import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_SIZE, MAX_SEGMENTS, segmentId } from "#events-schema";
import { blockStart, correlationId, eventId, type Hash } from "../../../services/video/ids.ts";
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
  it("are the same for the same fact, and differ by type, index and source", () => {
    const id = eventId("s", "SegmentCreated", 3, sha256);
    expect(eventId("s", "SegmentCreated", 3, sha256)).toBe(id);
    expect(eventId("s", "SegmentCreated", 4, sha256)).not.toBe(id);
    expect(eventId("s", "SplitPlanned", 3, sha256)).not.toBe(id);
    expect(eventId("t", "SegmentCreated", 3, sha256)).not.toBe(id);
    expect(correlationId("s", sha256)).not.toBe(correlationId("t", sha256));
  });

  it("are UUIDs", () => {
    expect(eventId("s", "VideoSplit", undefined, sha256)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});
