import { describe, expect, it } from "vitest";
import { parseRequest, UnreadableRequestError } from "../../../services/split/requests.ts";

const objectCreated = (detail: Record<string, unknown> = {}) => ({
  version: "0",
  id: "17793124-05d4-b198-2fde-7ededc63b103",
  "detail-type": "Object Created",
  source: "aws.s3",
  account: "111122223333",
  time: "2026-11-12T00:00:00Z",
  region: "eu-west-1",
  resources: ["arn:aws:s3:::uploads"],
  detail: {
    version: "0",
    bucket: { name: "uploads" },
    object: {
      key: "uploads/a b+c%20(1).mp4",
      size: 5,
      etag: "b1946ac92492d2347c6235b4d2611184",
      sequencer: "00617F08299329D189",
    },
    "request-id": "N4N7GDK58NMKJ12R",
    requester: "123456789012",
    "source-ip-address": "1.2.3.4",
    reason: "PutObject",
    ...detail,
  },
});

const metadata = {
  eventId: "e1",
  version: 1,
  correlationId: "c",
  causationId: "x",
  occurredAt: "2026-11-12T00:00:00Z",
};

const splitRequested = (data: Record<string, unknown> = {}, about: unknown = metadata) => ({
  version: "0",
  id: "1",
  source: "video-split",
  "detail-type": "SplitRequested",
  detail: { metadata: about, data: { bucket: "archive", key: "old/film.mkv", reason: "manual", ...data } },
});

const rangeRequested = (data: Record<string, unknown> = {}) => ({
  version: "0",
  id: "1",
  source: "video-split",
  "detail-type": "SegmentRangeRequested",
  account: "111122223333",
  time: "2026-11-12T00:00:00Z",
  region: "eu-west-1",
  resources: [],
  detail: {
    metadata,
    data: {
      ...{ VideoId: 16_384, bucket: "uploads", key: "uploads/film.mp4", etag: "e", name: "film", extension: "mp4" },
      ...{ bytes: 5, first_segment: 3, last_segment: 9, invocation: 2, ...data },
    },
  },
});

describe("reading a request for what an invocation left", () => {
  it("names the object and the invocation, and requests nothing else", () => {
    expect(parseRequest(rangeRequested())).toEqual({
      ...{ bucket: "uploads", key: "uploads/film.mp4", etag: "e", versionId: undefined, bytes: 5 },
      ...{ explicit: false, segmentSeconds: undefined, cut: undefined, outputKeyPrefix: undefined },
      ...{ continuation: { lastSegment: 9, invocation: 2 }, messageId: "e1", fault: undefined },
    });
  });

  it.each([{ invocation: 1 }, { key: undefined }, { first_segment: -1 }])("throws for %o", (data) => {
    expect(() => parseRequest(rangeRequested(data))).toThrow(UnreadableRequestError);
  });
});

describe("reading a request", () => {
  it("takes S3's key verbatim", () => {
    expect(parseRequest(objectCreated())).toMatchObject({
      bucket: "uploads",
      key: "uploads/a b+c%20(1).mp4",
      etag: "b1946ac92492d2347c6235b4d2611184",
      versionId: undefined,
      explicit: false,
    });
  });

  it.each(["2001:db8::1", "s3.amazonaws.com", "AWS Internal"])("accepts S3's source address %s", (address) => {
    expect(parseRequest(objectCreated({ "source-ip-address": address }))).toMatchObject({ bucket: "uploads" });
  });

  it.each(["PutObject", "CompleteMultipartUpload", "CopyObject", "POST Object"])("accepts the reason %s", (reason) => {
    expect(parseRequest(objectCreated({ reason }))).toMatchObject({ bucket: "uploads" });
  });

  it("takes the version of a versioned bucket", () => {
    const object = { key: "k.mp4", size: 1, etag: "e", "version-id": "v1", sequencer: "00" };
    expect(parseRequest(objectCreated({ object })).versionId).toBe("v1");
  });

  it("takes the size that S3 reports, and works without one", () => {
    expect(parseRequest(objectCreated()).bytes).toBe(5);
    expect(parseRequest(objectCreated({ object: { key: "k.mp4", etag: "e" } })).bytes).toBeUndefined();
  });

  it("takes overrides from SplitRequested", () => {
    expect(parseRequest(splitRequested({ segment_seconds: 12 }))).toEqual({
      bucket: "archive",
      key: "old/film.mkv",
      etag: undefined,
      versionId: undefined,
      bytes: undefined,
      explicit: true,
      segmentSeconds: 12,
      cut: undefined,
      outputKeyPrefix: undefined,
      messageId: "e1",
      fault: undefined,
    });
  });

  it.each([
    [undefined, "something that isn't an event"],
    [{ source: "aws.s3", "detail-type": "Object Deleted", detail: {} }, "aws.s3 Object Deleted"],
    [objectCreated({ bucket: {} }), "aws.s3 Object Created"],
    [splitRequested({ key: undefined }), "video-split SplitRequested"],
    [splitRequested({ key: "" }), "video-split SplitRequested"],
    [splitRequested({ bucket: 7 }), "video-split SplitRequested"],
    [{ source: "video-split", "detail-type": "SplitRequested" }, "video-split SplitRequested"],
    [{ ...splitRequested(), "detail-type": "VideoSplit" }, "video-split VideoSplit"],
    [{ ...splitRequested(), "detail-type": "VideoJoined" }, "video-split VideoJoined"],
  ])("throws for what it has no use for, naming it (%#)", (event, name) => {
    expect(() => parseRequest(event)).toThrow(UnreadableRequestError);
    expect(() => parseRequest(event)).toThrow(name);
  });
});

describe("a request that names an object and is wrong otherwise", () => {
  it.each([
    ["segment_seconds", { segment_seconds: 0 }],
    ["segment_seconds", { segment_seconds: "3" }],
    ["cut", { cut: "fast" }],
    ["output_key_prefix", { output_key_prefix: 7 }],
    ["version_id", { version_id: "" }],
    ["version_id", { version_id: 7 }],
    ["reason", { reason: undefined }],
  ])("says which field is: %s (%#)", (field, data) => {
    const { fault, explicit, versionId } = parseRequest(splitRequested(data));
    expect(fault).toEqual({ message: expect.stringContaining(`SplitRequested (${field}: `), isOfName: false });
    expect([explicit, versionId]).toEqual([true, undefined]);
  });

  it("requests nothing, since a field is faulty and the request must be corrected", () => {
    expect(parseRequest(splitRequested({ cut: "fast", segment_seconds: 5 })).segmentSeconds).toBeUndefined();
  });

  it.each([
    [null, "1"],
    [{ ...metadata, occurredAt: "yesterday" }, "e1"],
    [{ ...metadata, eventId: 7 }, "1"],
  ])("may lack metadata: the events that it leads to name EventBridge's id then (%#)", (about, messageId) => {
    expect(parseRequest(splitRequested({}, about))).toMatchObject({
      messageId,
      fault: { message: expect.stringContaining("metadata"), isOfName: false },
    });
  });

  it.each([
    ["an ARN", { bucket: "arn:aws:s3:::archive" }, 'bucket is "arn:aws:s3:::archive"'],
    ["spaces", { bucket: "my archive" }, "must be a bucket's name"],
    ["capitals", { bucket: "Archive" }, "must be a bucket's name"],
    ["a slash", { bucket: "archive/tapes" }, "must be a bucket's name"],
    ["an address", { bucket: "127.0.0.1" }, "must be a bucket's name"],
    ["a key of 1,025 bytes", { key: `${"ü".repeat(512)}x` }, "key has 1025 bytes"],
    ["an unpaired surrogate", { key: "a\ud800.mp4" }, "an unpaired surrogate"],
  ])("can't mean an object: %s", (_what, data, message) => {
    expect(parseRequest(splitRequested(data)).fault).toEqual({
      message: expect.stringContaining(message),
      isOfName: true,
    });
  });

  it("is reported with the part of the name that fits into an event", () => {
    const { bucket, key, messageId } = parseRequest(
      splitRequested(
        { bucket: "b".repeat(100_000), key: `${"ü".repeat(100_000)}\ud800` },
        { ...metadata, eventId: "e".repeat(100_000) },
      ),
    );
    expect([bucket.length, key, messageId.length]).toEqual([255, "ü".repeat(512), 1_024]);
  });

  it("may name a key of 1,024 bytes, dots and all", () => {
    expect(parseRequest(splitRequested({ key: "ü".repeat(512) })).fault).toBeUndefined();
    expect(parseRequest(splitRequested({ bucket: "my.archive-2", key: "../x" })).fault).toBeUndefined();
  });
});
