import { blockOf, correlationId, type Hash, MAX_SALTS, uploadEventId } from "../../video/ids.ts";
import { segmentName } from "../../video/segment-keys.ts";
import { nameOf, sourceIdentity } from "../../video/source.ts";
import { type DocumentEvent, documentId, InconsistentEventError } from "./identity.ts";

/** The predecessor of this service began in 2019: no event is older. */
const EARLIEST = Date.UTC(2019, 0, 1);

/**
 * How far the clocks of two functions may be apart. An event from the future does no harm: the
 * earliest time is kept.
 */
const MAX_AHEAD_MS = 24 * 3_600_000;

/** What is wrong with `occurredAt`; undefined if it can be that of an event of this service. */
function timeFault({ metadata }: DocumentEvent, now: Date): string | undefined {
  const time = Date.parse(metadata.occurredAt);
  if (time < EARLIEST) return `it occurred at ${metadata.occurredAt}, before this service existed`;
  if (time > now.getTime() + MAX_AHEAD_MS) return `it occurred at ${metadata.occurredAt}, more than a day from now`;
  return undefined;
}

/** Where a field isn't what follows from the others, for the events about the upload itself. */
function uploadFault(
  { data, metadata }: Exclude<DocumentEvent, { type: "SegmentCreated" | "PosterCreated" }>,
  hash: Hash,
) {
  const { bucket, key, etag = "", version_id: versionId } = data;
  if (metadata.correlationId !== correlationId(sourceIdentity({ bucket, key, etag, versionId }), hash))
    return `the correlation id ${metadata.correlationId} isn't that of s3://${bucket}/${key}`;
  const { name, extension } = nameOf(key);
  if (data.name !== name || data.extension !== extension) return `name and extension aren't those of the key ${key}`;
  return undefined;
}

/**
 * The same for a segment, which doesn't name its upload: its key must be possible for this segment.
 */
function segmentFault({ data }: Extract<DocumentEvent, { type: "SegmentCreated" }>): string | undefined {
  const ending = segmentName({ videoName: "", videoId: data.parent_video, index: data.segment_index });
  if (!data.name.endsWith(ending)) return `the name ${data.name} doesn't end with ${ending}`;
  if (!data.key.endsWith(`${data.name}.${data.extension}`)) return `the key ${data.key} doesn't end with its name`;
  return undefined;
}

/** The same for a poster, which is beside its segment. */
function posterFault({ data }: Extract<DocumentEvent, { type: "PosterCreated" }>): string | undefined {
  const ending = `${segmentName({ videoName: "", videoId: data.parent_video, index: data.segment_index })}.jpg`;
  return data.key.endsWith(ending) ? undefined : `the key ${data.key} doesn't end with ${ending}`;
}

function contentFault(event: DocumentEvent, hash: Hash): string | undefined {
  switch (event.type) {
    case "SegmentCreated":
      return segmentFault(event);
    case "PosterCreated":
      return posterFault(event);
    default:
      return uploadFault(event, hash);
  }
}

function blockFault({ data, metadata }: DocumentEvent, hash: Hash): string | undefined {
  const upload = "parent_video" in data ? data.parent_video : data.VideoId;
  const salts = Array.from({ length: MAX_SALTS }, (_, salt) => salt);
  if (salts.some((salt) => blockOf(metadata.correlationId, salt, hash) === upload)) return undefined;
  return `the upload's id ${upload} doesn't follow from the correlation id ${metadata.correlationId}`;
}

/**
 * The VideoId of the document that an event is about. Throws `InconsistentEventError` for an event
 * that this service can't have made: its ids, its names and its time must follow from one another,
 * and from the object that it names. What this protects against: docs/decisions/forged-events.md.
 */
export function checkedDocumentId(event: DocumentEvent, hash: Hash, now: Date): number {
  const id = documentId(event);
  const { eventId, correlationId: correlation } = event.metadata;
  const fault =
    timeFault(event, now) ??
    blockFault(event, hash) ??
    contentFault(event, hash) ??
    (eventId === uploadEventId(correlation, event, hash)
      ? undefined
      : `the event id ${eventId} doesn't follow from its content`);
  if (fault !== undefined) throw new InconsistentEventError(`${event.type} ${id} is inconsistent: ${fault}`);
  return id;
}
