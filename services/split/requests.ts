import * as z from "zod";
import { type Cut, type EventData, isInvalidEventError, parseEvent, SOURCE } from "#events-schema";
import { ObjectCreated } from "../video/object-created.ts";
import { MAX_KEY_BYTES, shortened } from "../video/segment-keys.ts";
import { MAX_BUCKET_BYTES, objectNameFault } from "../video/source.ts";

/** A request to split one object, from any event. */
export type SplitRequest = {
  bucket: string;
  /** Verbatim. */
  key: string;
  /** Of the requested object; undefined: the current one. */
  etag: string | undefined;
  versionId: string | undefined;
  /** Of the requested object, if the request has it. */
  bytes: number | undefined;
  /** The object was requested by name, so it needn't be below the upload prefix. */
  explicit: boolean;
  segmentSeconds: number | undefined;
  cut: Cut | undefined;
  outputKeyPrefix: string | undefined;
  /** Set if an earlier invocation ran out of time and requested the missing segments. */
  continuation: Continuation | undefined;
  /** Id of the message that this request came in. */
  messageId: string;
  /** Why the request is invalid for any object. */
  fault: RequestFault | undefined;
};

/**
 * What an earlier invocation left: the segments up to `lastSegment`. `invocation` counts those that
 * worked on them one after another; the first one planned the split.
 */
export type Continuation = { lastSegment: number; invocation: number };

export type RequestFault = {
  /** What is wrong: a sentence without its full stop. */
  message: string;
  /** No object can have the bucket and key that it names, so S3 isn't called. */
  isOfName: boolean;
};

/**
 * An event that names no object, because of a wrong rule or a wrong sender. It ends as a dead
 * dead letter.
 */
export class UnreadableRequestError extends Error {
  override name = "UnreadableRequestError";
}

const Envelope = z.object({ source: z.string(), "detail-type": z.string() });

const OptionalText = z.string().min(1).optional().catch(undefined);

/**
 * The fields that a `SplitRequested` must have, so that an event can report what is wrong with the
 * rest.
 */
const NamedObject = z.object({
  id: OptionalText,
  detail: z.object({
    metadata: z.object({ eventId: OptionalText }).catch({ eventId: undefined }),
    data: z.object({ bucket: z.string().min(1), key: z.string().min(1), version_id: OptionalText }),
  }),
});

const MAX_ID_BYTES = 1_024;

function fromObjectCreated(event: unknown): SplitRequest {
  const { id, ...object } = ObjectCreated.parse(event);
  return {
    ...object,
    explicit: false,
    segmentSeconds: undefined,
    cut: undefined,
    outputKeyPrefix: undefined,
    continuation: undefined,
    messageId: id,
    fault: undefined,
  };
}

function fromSegmentRangeRequested(event: unknown): SplitRequest {
  const { type, data, metadata } = parseEvent(event);
  if (type !== "SegmentRangeRequested") throw new UnreadableRequestError(`This is ${type}`);
  return {
    bucket: data.bucket,
    key: data.key,
    etag: data.etag,
    versionId: data.version_id,
    bytes: data.bytes,
    explicit: false,
    segmentSeconds: undefined,
    cut: undefined,
    outputKeyPrefix: undefined,
    continuation: { lastSegment: data.last_segment, invocation: data.invocation },
    messageId: metadata.eventId,
    fault: undefined,
  };
}

type Overrides = Pick<EventData<"SplitRequested">, "segment_seconds" | "cut" | "output_key_prefix">;

/** What a valid `SplitRequested` requests, or why it is invalid. Throws for any other event. */
function overridesOf(event: unknown): Overrides & { invalid?: string } {
  try {
    const { type, data } = parseEvent(event);
    if (type === "SplitRequested") return data;
    throw new UnreadableRequestError(`The split service doesn't handle ${type}`);
  } catch (error) {
    if (!isInvalidEventError(error) || error.type !== "SplitRequested") throw error;
    const faults = error.faults.map(({ field, message }) => `${field.replace(/^detail\.(data\.)?/, "")}: ${message}`);
    return { invalid: `The request isn't a valid SplitRequested (${faults.join("; ")})` };
  }
}

function fromSplitRequested(event: unknown): SplitRequest {
  const { invalid, ...overrides } = overridesOf(event);
  const { id, detail } = NamedObject.parse(event);
  const { bucket, key, version_id: versionId } = detail.data;
  const nameFault = objectNameFault(bucket, key);
  const message = nameFault ?? invalid;
  return {
    // Shortened to the maximum length of a name in S3, because the events about the request repeat
    // it.
    bucket: shortened(bucket.toWellFormed(), MAX_BUCKET_BYTES),
    key: shortened(key.toWellFormed(), MAX_KEY_BYTES),
    etag: undefined,
    versionId,
    bytes: undefined,
    explicit: true,
    segmentSeconds: overrides.segment_seconds,
    cut: overrides.cut,
    outputKeyPrefix: overrides.output_key_prefix,
    continuation: undefined,
    messageId: shortened(detail.metadata.eventId ?? id ?? "unknown", MAX_ID_BYTES),
    fault: message === undefined ? undefined : { message, isOfName: nameFault !== undefined },
  };
}

/**
 * Reads S3's "Object Created" or our `SplitRequested` or `SegmentRangeRequested`. A
 * `SplitRequested` that names an object and is wrong in another way has a `fault`. Throws
 * `UnreadableRequestError` for anything else, which then becomes a dead letter.
 */
export function parseRequest(event: unknown): SplitRequest {
  const envelope = Envelope.safeParse(event);
  const type = envelope.success
    ? `${envelope.data.source} ${envelope.data["detail-type"]}`
    : "something that isn't an event";
  try {
    if (type === "aws.s3 Object Created") return fromObjectCreated(event);
    if (type === `${SOURCE} SegmentRangeRequested`) return fromSegmentRangeRequested(event);
    if (envelope.success && envelope.data.source === SOURCE) return fromSplitRequested(event);
  } catch (cause) {
    throw new UnreadableRequestError(`${type} can't be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  throw new UnreadableRequestError(`The split service doesn't handle ${type}`);
}
