/** Which frames of a segment a picture is chosen from. */
export type Stretch = {
  /** Seconds from the segment's start. Frames are read from the keyframe before it. */
  from: number;
  /** Frames that are decoded, at most. */
  frames: number;
  /** Whether a black frame may be chosen. */
  mayBeBlack: boolean;
};

/** A second of video, or a little more: most often one scene. */
const FRAMES = 30;

/** Half a minute of video, where a segment shows nothing before. */
const MANY_FRAMES = 900;

/**
 * The stretches to try, the best first. The middle of a segment shows what it is about, and seldom
 * a fade. A segment with one keyframe that begins black is read on from its start. The last one is
 * for a segment that is black throughout.
 */
export const stretchesOf = (seconds: number): Stretch[] => [
  ...[1 / 2, 1 / 4, 3 / 4].map((share) => ({ from: share * seconds, frames: FRAMES, mayBeBlack: false })),
  { from: 0, frames: MANY_FRAMES, mayBeBlack: false },
  { from: 0, frames: FRAMES, mayBeBlack: true },
];
