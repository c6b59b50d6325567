import { parseEvent } from "#events-schema";
import { readInvocationRecord } from "../../video/invocation-record.ts";
import { ObjectCreated } from "../../video/object-created.ts";

/** An object as an event names it. */
export type NamedObject = {
  bucket: string;
  key: string;
  /** Undefined: whichever the object has now. */
  etag: string | undefined;
  versionId: string | undefined;
};

/** Of an event that Lambda kept for as long as it may. */
const AGED_OUT = "EventAgeExceeded";

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Of a request like the reconciler's own, or for the segments that an invocation left. One that says
 * how to cut is for somebody who waits for an answer. Undefined for any other event.
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
 * The object of a dead letter whose event waited too long, and asks for nothing but that the object
 * is split: S3's own event, or a request of the reconciler's or of the split function's own. Undefined for any other letter, and
 * for what can't be read.
 */
export function objectOfAgedOut(body: string): NamedObject | undefined {
  const record = readInvocationRecord(parsed(body));
  if (record?.condition !== AGED_OUT) return undefined;
  const created = ObjectCreated.safeParse(record.event);
  if (!created.success) return requestedAgain(record.event);
  const { bucket, key, etag, versionId } = created.data;
  return { bucket, key, etag, versionId };
}
