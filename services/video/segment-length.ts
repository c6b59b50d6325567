/** The minimum and the maximum length of a segment that can be requested, in seconds. */
const MIN_SECONDS = 0.5;
const MAX_SECONDS = 86_400;

export const isSegmentLength = (seconds: number): boolean => seconds >= MIN_SECONDS && seconds <= MAX_SECONDS;

/** What a segment length must be. */
export const segmentLengthRule = `it must be a number of seconds from ${MIN_SECONDS} to ${MAX_SECONDS}`;

/** A remainder shorter than this, in seconds, is added to the segment before it. */
export const MIN_TAIL_SECONDS = 0.5;
