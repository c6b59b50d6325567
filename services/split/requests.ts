import * as z from "zod";
import { type Cut, parseEvent, SOURCE } from "#events-schema";

/** A wish to split one object, wherever it came from. */
export type SplitRequest = {
  bucket: string;
  /** Verbatim. */
  key: string;
  /** Of the object that was meant; undefined: whichever lies there now. */
  etag: string | undefined;
  versionId: string | undefined;
  /** Somebody asked for this object by name, so it needn't lie below the upload prefix. */
  explicit: boolean;
  segmentSeconds: number | undefined;
  cut: Cut | undefined;
  outputKeyPrefix: string | undefined;
  /** Id of the message that this request came in. */
  messageId: string;
};

/** An event that this function has no use for: a rule of somebody's leads to it by mistake. It ends as a dead letter. */
export class UnreadableRequestError extends Error {
  override name = "UnreadableRequestError";
}

/** What is used of S3's event; it has more, and gains more. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const ObjectCreated = z.object({
  id: z.string().min(1),
  detail: z.object({
    bucket: z.object({ name: z.string().min(1) }),
    object: z.object({ key: z.string().min(1), etag: z.string().min(1), "version-id": z.string().optional() }),
  }),
});

const Envelope = z.object({ source: z.string(), "detail-type": z.string() });

function fromObjectCreated(event: unknown): SplitRequest {
  const { id, detail } = ObjectCreated.parse(event);
  return {
    bucket: detail.bucket.name,
    key: detail.object.key,
    etag: detail.object.etag,
    versionId: detail.object["version-id"] || undefined,
    explicit: false,
    segmentSeconds: undefined,
    cut: undefined,
    outputKeyPrefix: undefined,
    messageId: id,
  };
}

function fromSplitRequested(event: unknown): SplitRequest {
  const { type, data, metadata } = parseEvent(event);
  if (type !== "SplitRequested") throw new UnreadableRequestError(`The split service doesn't handle ${type}`);
  return {
    bucket: data.bucket,
    key: data.key,
    etag: undefined,
    versionId: data.version_id,
    explicit: true,
    segmentSeconds: data.segment_seconds,
    cut: data.cut,
    outputKeyPrefix: data.output_key_prefix,
    messageId: metadata.eventId,
  };
}

/** Reads S3's "Object Created" or our `SplitRequested`. Throws for anything else, so that it isn't lost but dead-lettered. */
export function parseRequest(event: unknown): SplitRequest {
  const envelope = Envelope.safeParse(event);
  const type = envelope.success
    ? `${envelope.data.source} ${envelope.data["detail-type"]}`
    : "something that is no event";
  try {
    if (type === "aws.s3 Object Created") return fromObjectCreated(event);
    if (envelope.success && envelope.data.source === SOURCE) return fromSplitRequested(event);
  } catch (cause) {
    throw new UnreadableRequestError(`${type} can't be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  throw new UnreadableRequestError(`The split service doesn't handle ${type}`);
}
