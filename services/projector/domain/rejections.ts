import { canonical } from "./canonical.ts";
import type { RejectedUpload } from "./document.ts";

/** A rejection, and when it was first announced. */
export type DatedRejection = Pick<RejectedUpload, "rejection" | "rejected_at">;

/**
 * Reasons in the order in which a split can find them, by how far it came: first the request, then
 * the object in S3, then the file. A later one means that the earlier checks succeeded.
 */
const STAGES: readonly (readonly RegExp[])[] = [
  // Not caused by the object: the upload didn't finish in time.
  [/^GivenUp$/],
  [/^InvalidRequest$/],
  [/^Source/],
  [/^EmptyObject$/, /^TooLarge$/],
  [/^InvalidOverride$/],
  [/^NotMedia$/],
  [/^NoVideoStream$/, /^UnknownCodec$/],
  [/^UnreadableMedia$/, /^LimitExceeded$/],
  [/^TooManySegments$/],
  [/^UnsupportedCut$/, /^ProofFailed$/],
];

/** A reason of a later release: later than `GivenUp`, otherwise unknown. */
const UNKNOWN = 0.5;

function stageOf(reason: string): number {
  const stage = STAGES.findIndex((names) => names.some((name) => name.test(reason)));
  return stage === -1 ? UNKNOWN : stage;
}

const compareTexts = (left: string, right: string): number => (left === right ? 0 : left < right ? -1 : 1);

/**
 * Negative if `left` is kept, positive if `right` is: the one that was found at the later stage,
 * or, at the same stage, the one that was announced first. The order of their texts decides between
 * two of the same millisecond.
 */
export const compareRejections = (left: DatedRejection, right: DatedRejection): number =>
  stageOf(right.rejection.reason) - stageOf(left.rejection.reason) ||
  compareTexts(left.rejected_at, right.rejected_at) ||
  compareTexts(canonical(left.rejection), canonical(right.rejection));
