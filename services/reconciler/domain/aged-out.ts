import { parseEvent } from "#events-schema";
import { readInvocationRecord } from "../../video/invocation-record.ts";
import { ObjectCreated } from "../../video/object-created.ts";

/** An object as an event names it. */
export type NamedObject = {
  bucket: string;
  key: string;
  /** Undefined: the current one. */
  etag: string | undefined;
  versionId: string | undefined;
};

/** Condition of an event that Lambda kept for the maximum time. */
const AGED_OUT = "EventAgeExceeded";

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * The object of a request like the reconciler's own, or for the segments that an invocation left.
 * Not of a request that says how to cut: its sender waits for an answer. Undefined for any other
 * event.
 */
function requestedAgain(event: unknown): NamedObject | undefined {
  try {
    const { type, data } = parseEvent(event);
    if (type === "SegmentRangeRequested")
      return { bucket: data.bucket, key: data.key, etag: data.etag, versionId: data.version_id };
    if (type !== "SplitRequested" || data.reason !== "redrive") return undefined;
    if (data.segment_seconds !== undefined || data.cut !== undefined || data.output_key_prefix !== undefined)
      return undefined;
    return { bucket: data.bucket, key: data.key, etag: undefined, versionId: data.version_id };
  } catch {
    return undefined;
  }
}

/**
 * The object of a dead letter whose event waited too long and only requests a split: S3's own
 * event, or a request of the reconciler or the split function. Undefined for any other dead letter,
 * and for one that can't be read.
 */
export function objectOfAgedOut(body: string): NamedObject | undefined {
  const record = readInvocationRecord(parsed(body));
  if (record?.condition !== AGED_OUT) return undefined;
  const created = ObjectCreated.safeParse(record.event);
  if (!created.success) return requestedAgain(record.event);
  const { bucket, key, etag, versionId } = created.data;
  return { bucket, key, etag, versionId };
}
