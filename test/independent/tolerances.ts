/** Tolerances, with reasons. Smaller differences are reported and aren't faults. */

/** Promised for every re-encoded frame. */
export const MIN_PSNR_DB = 45;

/**
 * Time difference that is allowed in addition to the ticks of both containers: MP4's edit lists are
 * in milliseconds.
 */
export const TIME_ROUNDING_S = 0.0011;

/** Gaps between audio blocks that result from times in milliseconds (Matroska, FLV, ASF). */
export const AUDIO_JITTER_S = 0.0025;

/**
 * Audio that may be missing at a boundary or an end when packets are copied: an AAC frame at 48
 * kHz, or a smaller block of the codec. Where a decoder returns nothing for the first packet
 * (Vorbis), that is lost.
 */
export const AAC_FRAME = 1024;
export const MAX_HOLE_S = AAC_FRAME / 48_000;

/** Allowed shift of audio against video, compared with the source. */
export const MAX_AUDIO_SHIFT_S = 0.0025;

/** Time after which a decoder that starts in mid-stream returns the same as one that doesn't. */
export const PRIMING_S = 0.1;

/** Audio counts as copied when at least this share of its packets, or samples, is the source's. */
export const MIN_EQUAL_SHARE = 0.98;

/** Re-encoded audio must correlate with the source's by at least this. */
export const MIN_CORRELATION = 0.9;

/** The same for identical packets: decoders fill bands with noise that differs after each start. */
export const MIN_COPIED_CORRELATION = 0.5;

/** Tolerance of `fps` × `duration` against the number of frames, as a share. */
export const FPS_TOLERANCE = 0.02;

/** MP4's creation times are whole seconds. */
export const CREATION_TIME_ROUNDING_S = 1.5;
