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

  it("takes overrides from SplitRequested", () => {
    const event = {
      version: "0",
      id: "1",
      source: "video-split",
      "detail-type": "SplitRequested",
      detail: {
        metadata: {
          eventId: "e1",
          version: 1,
          correlationId: "c",
          causationId: "x",
          occurredAt: "2026-11-12T00:00:00Z",
        },
        data: { bucket: "b", key: "old/film.mkv", segment_seconds: 12, reason: "manual" },
      },
    };
    expect(parseRequest(event)).toMatchObject({
      bucket: "b",
      key: "old/film.mkv",
      explicit: true,
      segmentSeconds: 12,
      messageId: "e1",
    });
  });

  it.each([
    [undefined, "something that is no event"],
    [{ source: "aws.s3", "detail-type": "Object Deleted", detail: {} }, "aws.s3 Object Deleted"],
    [objectCreated({ bucket: {} }), "aws.s3 Object Created"],
  ])("throws for what it has no use for, naming it (%#)", (event, name) => {
    expect(() => parseRequest(event)).toThrow(UnreadableRequestError);
    expect(() => parseRequest(event)).toThrow(name);
  });
});
