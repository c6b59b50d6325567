import { canonical } from "./canonical.ts";
import type { SegmentDocument, UploadDocument, VideoDocument } from "./document.ts";
import { compareRejections, type DatedRejection } from "./rejections.ts";

/**
 * How what an event tells is joined with what is known. Each join takes the greatest or least of
 * something, and that is why order and repetition don't matter; nothing but the document's own
 * fields is needed to do it.
 */

/**
 * An event about an upload met a segment's document, or the other way round: the table holds what
 * this service didn't write.
 */
export class DocumentKindError extends Error {
  override name = "DocumentKindError";

  constructor(known: VideoDocument, told: VideoDocument) {
    super(
      `Document ${known.VideoId} has the process_step "${known.process_step}", and an event tells of "${told.process_step}"`,
    );
  }
}

const earlier = (left: string, right: string): string => (left < right ? left : right);

/** Facts measured in the split outrank planned ones, and those outrank what a rejection knows. */
function rank(upload: UploadDocument): number {
  if (upload.status === "split") return 2;
  return upload.size === undefined ? 0 : 1;
}

/** An upload's facts: all that isn't joined by a rule of its own. */
function factsOf(upload: UploadDocument): unknown {
  const { creation_time: _time, status: _status, ...facts } = upload;
  return "rejection" in facts ? { ...facts, rejection: undefined, rejected_at: undefined } : facts;
}

const isRejected = (upload: UploadDocument): upload is Extract<UploadDocument, { status: "rejected" }> =>
  upload.status === "rejected";

/**
 * The better informed of two. Where neither was measured, the one whose rejection stands: the other
 * may not have seen the object at all. Facts that are announced again are the same facts; should
 * they contradict each other all the same, either will do as long as it is always the same one, so
 * the first in the order of their texts is taken, whole.
 */
function betterInformed(left: UploadDocument, right: UploadDocument): UploadDocument {
  const difference = rank(left) - rank(right);
  if (difference !== 0) return difference > 0 ? left : right;
  if (rank(left) === 0 && isRejected(left) && isRejected(right)) {
    const order = compareRejections(left, right);
    if (order !== 0) return order < 0 ? left : right;
  }
  return canonical(factsOf(left)) <= canonical(factsOf(right)) ? left : right;
}

/** The rejection that stands: of both, where both were rejected. */
function standingRejection(left: UploadDocument, right: UploadDocument): DatedRejection | undefined {
  const [first] = [left, right].filter(isRejected).sort(compareRejections);
  return first && { rejection: first.rejection, rejected_at: first.rejected_at };
}

/**
 * Joins what is known of an upload with what an event tells: processing gives way to rejected, and
 * rejected to split.
 */
export function standing(known: VideoDocument | undefined, told: UploadDocument): UploadDocument {
  if (known === undefined) return told;
  if (known.process_step !== told.process_step) throw new DocumentKindError(known, told);
  const creation_time = earlier(known.creation_time, told.creation_time);
  const informed = betterInformed(known, told);
  const rejection = standingRejection(known, told);
  if (informed.status === "split" || rejection === undefined) return { ...informed, creation_time };
  return { ...informed, creation_time, status: "rejected", ...rejection };
}

const byTimeThenText = (segment: SegmentDocument): string => segment.creation_time + canonical(segment);

/**
 * Joins what is known of a segment with what an event tells. The first announcement stands, whole:
 * those who heard it may have acted on it. Of two at the same time, the first in the order of their
 * texts.
 */
export function firstAnnounced(known: VideoDocument | undefined, told: SegmentDocument): SegmentDocument {
  if (known === undefined) return told;
  if (known.process_step !== told.process_step) throw new DocumentKindError(known, told);
  return byTimeThenText(known) <= byTimeThenText(told) ? known : told;
}
