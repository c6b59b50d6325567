/** What counts as right, and why. Everything below a tolerance is reported in figures, and is no fault. */

/** The README promises it of every frame that was encoded again. */
export const MIN_PSNR_DB = 45;

/**
 * How far a time may be from where it belongs, beside the ticks of the two containers: an edit list of MP4 is written in
 * milliseconds.
 */
export const TIME_ROUNDING_S = 0.0011;

/** Gaps between blocks of sound that come of times in milliseconds (Matroska, FLV, ASF) and are no silence. */
export const SOUND_JITTER_S = 0.0025;

/**
 * What may be missing at a joint, or at an end, of sound that is copied packet by packet: an AAC frame at 48 kHz, or a block
 * of the codec's own that has no more samples. Where a decoder gives nothing for the first packet (Vorbis), that is lost.
 */
export const AAC_FRAME = 1024;
export const MAX_HOLE_S = AAC_FRAME / 48_000;

/** How far sound may be from the picture, compared with the source. */
export const MAX_SOUND_SHIFT_S = 0.0025;

/** A decoder that starts in mid-stream needs this long until it gives what it gives when it comes from before. */
export const PRIMING_S = 0.1;

/** Sound was copied where at least this share of its packets, or of its samples, is the source's. */
export const MIN_EQUAL_SHARE = 0.98;

/** Sound that was encoded again is still the source's where its waveform correlates at least so well. */
export const MIN_CORRELATION = 0.9;

/** The same of sound whose packets are the source's: decoders fill bands with noise that differs after each start. */
export const MIN_COPIED_CORRELATION = 0.5;

/** `fps` times `duration` is the number of frames, to this share. */
export const FPS_TOLERANCE = 0.02;

/** MP4's creation times are whole seconds. */
export const CREATION_TIME_ROUNDING_S = 1.5;
