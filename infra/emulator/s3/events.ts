import { NULL_VERSION } from "./store.ts";

/**
 * An object that is stored, but not yet acknowledged to the client. `size` in bytes, `etag` without
 * quotes.
 */
export type ObjectCreated = {
  bucket: string;
  /** Verbatim, not URL-encoded. */
  key: string;
  size: number;
  etag: string;
  /** Only where the bucket has, or had, versions; `null` while versioning is suspended. */
  versionId?: string;
  /**
   * Hexadecimal, of fixed length, so that the later of two events for one key has the greater
   * string.
   */
  sequencer: string;
  reason: "PutObject" | "CompleteMultipartUpload" | "CopyObject" | "POST Object";
  requestId: string;
  sourceIpAddress: string;
  /** ISO 8601 in UTC, to the second. */
  time: string;
};

/** The account of the local stack. */
const ACCOUNT = "000000000000";

export type ObjectCreatedDetail = {
  version: "0";
  bucket: { name: string };
  object: { key: string; size: number; etag: string; "version-id"?: string; sequencer: string };
  "request-id": string;
  requester: string;
  "source-ip-address": string;
  reason: ObjectCreated["reason"];
};

/**
 * The `detail` of S3's "Object Created" event on the default bus:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
export function objectCreatedDetail(event: ObjectCreated): ObjectCreatedDetail {
  const { key, size, etag, versionId, sequencer } = event;
  const hasVersion = versionId !== undefined && versionId !== NULL_VERSION;
  return {
    version: "0",
    bucket: { name: event.bucket },
    object: { key, size, etag, ...(hasVersion && { "version-id": versionId }), sequencer },
    "request-id": event.requestId,
    requester: ACCOUNT,
    "source-ip-address": event.sourceIpAddress,
    reason: event.reason,
  };
}
