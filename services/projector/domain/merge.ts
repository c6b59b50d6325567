import { canonical } from "./canonical.ts";
import type { EarlyPoster, Poster, SegmentDocument, UploadDocument, VideoRecord } from "./document.ts";
import { compareRejections, type DatedRejection } from "./rejections.ts";

/**
 * How an event's update is merged into a document. Each merge takes the maximum or the minimum of
 * something, so the order of events and repeated events don't matter. It needs only the fields of
 * the two documents.
 */

/**
 * An event about an upload met a segment's document, or the other way round: another writer has
 * changed the table.
 */
export class DocumentKindError extends Error {
  override name = "DocumentKindError";

  constructor({ VideoId, process_step }: VideoRecord, updated: "upload" | "timesplit") {
    const found = process_step ?? "timesplit";
    super(`Document ${VideoId} has the process_step "${found}", and an event has "${updated}"`);
  }
}

const earlier = (left: string, right: string): string => (left < right ? left : right);

/**
 * Fields that were measured replace planned ones, and planned ones replace those of a rejection.
 */
function rank(upload: UploadDocument): number {
  if (upload.status === "split") return 2;
  return upload.size === undefined ? 0 : 1;
}

/** The fields of an upload that have no special merge rule. */
function commonFields(upload: UploadDocument): unknown {
  const { creation_time: _time, status: _status, ...fields } = upload;
  return "rejection" in fields ? { ...fields, rejection: undefined, rejected_at: undefined } : fields;
}

const isRejected = (upload: UploadDocument): upload is Extract<UploadDocument, { status: "rejected" }> =>
  upload.status === "rejected";

/**
 * The document whose fields are kept: the one with measured fields, otherwise the one whose
 * rejection is kept, because the other may not have read the object. An event that is announced
 * again has the same fields. If two still contradict each other, all fields are taken from the
 * first one in the order of their texts.
 */
function moreComplete(left: UploadDocument, right: UploadDocument): UploadDocument {
  const difference = rank(left) - rank(right);
  if (difference !== 0) return difference > 0 ? left : right;
  if (rank(left) === 0 && isRejected(left) && isRejected(right)) {
    const order = compareRejections(left, right);
    if (order !== 0) return order < 0 ? left : right;
  }
  return canonical(commonFields(left)) <= canonical(commonFields(right)) ? left : right;
}

/** The rejection that is kept, if one or both were rejected. */
function keptRejection(left: UploadDocument, right: UploadDocument): DatedRejection | undefined {
  const [first] = [left, right].filter(isRejected).sort(compareRejections);
  return first && { rejection: first.rejection, rejected_at: first.rejected_at };
}

/**
 * Merges an event's update into an upload's document: `rejected` replaces `processing`, and `split`
 * replaces both.
 */
export function mergeUpload(document: VideoRecord | undefined, update: UploadDocument): UploadDocument {
  if (document === undefined) return update;
  if (document.process_step !== update.process_step) throw new DocumentKindError(document, update.process_step);
  const creation_time = earlier(document.creation_time, update.creation_time);
  const informed = moreComplete(document, update);
  const rejection = keptRejection(document, update);
  if (informed.status === "split" || rejection === undefined) return { ...informed, creation_time };
  return { ...informed, creation_time, status: "rejected", ...rejection };
}

const byTimeThenText = ({ poster: _, ...segment }: SegmentDocument): string =>
  segment.creation_time + canonical(segment);

/**
 * The first in the order of their texts. A poster that is announced again is the same, unless a
 * release has made it differently in between.
 */
function keptPoster(left: Poster | undefined, right: Poster | undefined): { poster?: Poster } {
  const [first] = [left, right].filter((poster) => poster !== undefined).sort(compareCanonical);
  return first === undefined ? {} : { poster: first };
}

const compareCanonical = (left: Poster, right: Poster): number => (canonical(left) <= canonical(right) ? -1 : 1);

/**
 * Merges an event's update into a segment's document. The first announcement is kept as a whole,
 * since consumers may have acted on it. Of two at the same time, the first in the order of their
 * texts. A poster that came before is kept.
 */
export function mergeSegment(document: VideoRecord | undefined, update: SegmentDocument): SegmentDocument {
  if (document === undefined) return update;
  if (document.process_step === "upload") throw new DocumentKindError(document, update.process_step);
  const poster = keptPoster(document.poster, update.poster);
  if (document.process_step === undefined) return { ...update, ...poster };
  return { ...(byTimeThenText(document) <= byTimeThenText(update) ? document : update), ...poster };
}

/** Merges a poster into its segment's document, or keeps it until that is announced. */
export function mergePoster(document: VideoRecord | undefined, update: EarlyPoster): SegmentDocument | EarlyPoster {
  if (document === undefined) return update;
  if (document.process_step === "upload") throw new DocumentKindError(document, "timesplit");
  return { ...document, ...keptPoster(document.poster, update.poster) };
}
