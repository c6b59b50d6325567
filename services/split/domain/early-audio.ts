/**
 * Audio before the first video frame: the first segment holds the last seconds of it, and earlier
 * audio is left out. docs/decisions/audio.md
 */

/** The maximum number of seconds of it in the first segment. */
export const MAX_LEAD_SECONDS = 10;

/**
 * Shorter audio doesn't delay the video: it is a packet that overlaps the first frame, or what a
 * decoder needs before it outputs any samples. The length of an AAC frame at 48 kHz.
 */
const MIN_LEAD_SECONDS = 1_024 / 48_000;

/**
 * Seconds of one track's audio that are played before the first video frame. `origin` and `start`
 * are on the source's clock: when the first frame is shown, and when the track's audio begins.
 */
export function leadOf(origin: number, start: number | undefined): number {
  const lead = start === undefined ? 0 : origin - start;
  return lead > MIN_LEAD_SECONDS ? lead : 0;
}

/** How many of these seconds are in no segment: the maximum of all tracks. */
export const omittedSeconds = (origin: number, starts: readonly (number | undefined)[]): number =>
  starts.reduce<number>((most, start) => Math.max(most, leadOf(origin, start) - MAX_LEAD_SECONDS), 0);
