/** A run of consecutive segments, by the indexes of its first and its last. */
export type SegmentRange = { first: number; last: number };

/**
 * Divides the segments of a video into at most `most` ranges. Segments before `from` are complete
 * or in progress: they belong to the first range, and the others are divided evenly.
 */
export function rangesOf(segments: number, from: number, most: number): SegmentRange[] {
  const left = segments - from;
  const count = Math.max(1, Math.min(most, left));
  return Array.from({ length: count }, (_, at) => ({
    first: at === 0 ? 0 : from + Math.ceil((at * left) / count),
    last: from + Math.ceil(((at + 1) * left) / count) - 1,
  }));
}

/** The progress of an invocation, in seconds of the video and of the clock. */
export type Pace = {
  /** Seconds of the video that it made. */
  made: number;
  /** Seconds of the video that aren't made yet. */
  missing: number;
  /** Since it began to cut. */
  elapsed: number;
  /** Until its work is aborted. */
  left: number;
};

/**
 * The pace of a shorter time says little: a first segment waits for processes to start. Nothing is
 * cut at the same time until then, so a longer time would limit what ranges gain.
 */
export const MIN_SHARE_OF_TIME = 1 / 30;

/** Maximum share of the remaining time that the rest of a video may take. */
const MAX_SHARE_OF_TIME = 0.8;

/** The end of an invocation's time, in which it begins only segments that it can finish. */
const LAST_SHARE_OF_TIME = 1 / 10;

/** Whether the rest of a video takes longer, at the pace so far, than the invocation has left. */
export function needsMore({ made, missing, elapsed, left }: Pace): boolean {
  if (made <= 0 || elapsed < MIN_SHARE_OF_TIME * (elapsed + left)) return false;
  return (missing / made) * elapsed > MAX_SHARE_OF_TIME * left;
}

/** Seconds of the video that an invocation still makes, at its pace so far. */
export const secondsInTime = ({ made, elapsed, left }: Pace): number => (made / elapsed) * MAX_SHARE_OF_TIME * left;

/** Whether an invocation's time is nearly over. */
export const isEnding = ({ elapsed, left }: Pace): boolean => left <= LAST_SHARE_OF_TIME * (elapsed + left);
