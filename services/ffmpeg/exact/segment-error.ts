import { CutFailedError } from "../process/errors.ts";
import { ProofError } from "../proof/proof-error.ts";

/** One segment can't be made in this way; the others may be. */
export class SegmentError extends CutFailedError {
  override name = "SegmentError";

  constructor(message: string, options?: ErrorOptions) {
    super("UnreadableMedia", message, options);
  }
}

/** A segment can't be stitched, whether or not its beginning is anchored. */
export class UnstitchableError extends SegmentError {
  override name = "UnstitchableError";
}

/** Nothing in some consecutive segments can be decoded, and later ones can. */
export class UndecodableSegmentsError extends SegmentError {
  override name = "UndecodableSegmentsError";
  /** Index of the first segment behind them. */
  readonly end: number;

  constructor(segments: { from: number; end: number }) {
    super(`no frame of the segments ${segments.from} to ${segments.end - 1} can be decoded`);
    this.end = segments.end;
  }
}

/** Whether an error is about the segment that is made next, and not about the source as a whole. */
export const isAboutSegment = (error: unknown): boolean => error instanceof SegmentError || error instanceof ProofError;
