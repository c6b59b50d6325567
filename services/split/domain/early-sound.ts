/**
 * Sound before the first picture: the first segment holds the last seconds of it, and what comes
 * before these is left out. docs/decisions/sound.md
 */

/** Seconds of it that the first segment holds at most. */
export const MAX_LEAD_SECONDS = 10;

/**
 * Shorter sound is no reason to move the picture: a packet that reaches into the picture's time, or
 * what a decoder needs before it gives any sound. An AAC frame at 48 kHz.
 */
const MIN_LEAD_SECONDS = 1_024 / 48_000;

/**
 * Seconds of sound that are played before the first picture, of one track. `origin` and `start` are
 * on the source's clock: when the first picture is shown, and the track's sound begins.
 */
export function leadOf(origin: number, start: number | undefined): number {
  const lead = start === undefined ? 0 : origin - start;
  return lead > MIN_LEAD_SECONDS ? lead : 0;
}

/** How many of these seconds are in no segment: of the track that has most. */
export const omittedSeconds = (origin: number, starts: readonly (number | undefined)[]): number =>
  starts.reduce<number>((most, start) => Math.max(most, leadOf(origin, start) - MAX_LEAD_SECONDS), 0);
