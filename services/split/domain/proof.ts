import type { Proof } from "#events-schema";
import type { PacketIndex } from "./packet-index.ts";

/**
 * Audio of one track in a produced file. Seconds, `start` and `end` from the video's first frame.
 */
export type SegmentAudio = {
  /** When playback of it begins and ends. */
  start: number;
  end: number;
  /**
   * Seconds without audio before it in the source, since the last packet of the segments before.
   */
  gapBefore: number;
  /** The longest gap in it that the source doesn't have. */
  largestGap: number;
};

/** A stretch of time in seconds from the video's first frame. */
export type Stretch = { from: number; to: number };

/** What was measured on one produced file. */
export type SegmentProof = {
  /** Frames that a decoder outputs for this file alone. */
  frames: number;
  /** Frames of the source that are in the file and can't be decoded. */
  undecodable: number;
  /** How many of the decoded ones are bit for bit those of the source. */
  copiedFrames: number;
  /** Copied with other slice headers: their pictures may drift from the source's. Undefined: none. */
  anchoredFrames?: number | undefined;
  /** The least PSNR of the anchored frames that were compared with the source's, in dB. */
  leastPsnr?: number | undefined;
  /** Packets of the source that are decoded and not shown, and so aren't frames: of VP8. Undefined: none. */
  hiddenPackets?: number | undefined;
  /** Of its first frame: seconds from the video's first frame. */
  start: number;
  /** Of its last frame's end, as the produced file has it: seconds from the video's first frame. */
  end: number;
  /**
   * [width, height] in pixels as displayed; undefined where it was measured by an earlier version.
   */
  size?: [number, number] | undefined;
  /** Largest difference between a frame's time and that of the source's frame, in seconds. */
  largestTimeError: number;
  /**
   * Maximum shift of audio relative to the video, compared with the source. Seconds; 0 without
   * audio.
   */
  largestAudioOffset: number;
  /** Of each track; null if none of it is played. Undefined: it wasn't measured. */
  audio?: (SegmentAudio | null)[] | undefined;
  /**
   * Where its frames can't be decoded because the source is damaged, in order. Undefined: nowhere.
   */
  stretches?: readonly Stretch[] | undefined;
};

/** Seconds from the video's first frame: the requested start of a segment, and its start. */
type Boundary = { requestedStart: number; start: number };

/** Milliseconds to three places, which is a microsecond. */
const milliseconds = (seconds: number): number => Math.round(seconds * 1_000_000) / 1_000;

/**
 * How far each boundary is, in seconds, from the first frame at or after the requested time. In one
 * pass over the packets, whatever their order.
 */
export function largestDeviation(boundaries: readonly Boundary[], index: PacketIndex, origin: number): number {
  const first = new Array<number>(boundaries.length).fill(Number.POSITIVE_INFINITY);
  let current = 0;
  for (let packet = 0; packet < index.count; packet += 1) {
    if (!index.isShown(packet)) continue;
    const time = index.time(packet) - origin;
    // Times are rounded to microseconds.
    const isFrom = (at: number): boolean => (boundaries[at]?.requestedStart ?? Number.POSITIVE_INFINITY) <= time + 2e-6;
    while (isFrom(current + 1)) current += 1;
    while (current > 0 && !isFrom(current)) current -= 1;
    if (isFrom(current)) first[current] = Math.min(first[current]!, time);
  }
  let largest = 0;
  let next = Number.POSITIVE_INFINITY;
  for (let at = boundaries.length - 1; at >= 0; at -= 1) {
    next = Math.min(next, first[at]!);
    if (next !== Number.POSITIVE_INFINITY) largest = Math.max(largest, Math.abs(boundaries[at]!.start - next));
  }
  return largest;
}

/** Longer gaps in the audio fail the proof. A packet of AAC at 44.1 kHz is shorter. */
export const MAX_AUDIO_GAP_SECONDS = 0.025;

/**
 * The longest gap in an audio track that the source doesn't have: in a segment, or between the end
 * of one segment's audio and the start of the next one's. Seconds; undefined where not all of it
 * was measured.
 */
export function largestAudioGap(segments: readonly SegmentProof[]): number | undefined {
  const ends: (number | undefined)[] = [];
  let largest = 0;
  for (const { audio } of segments) {
    if (audio === undefined) return undefined;
    for (const [track, one] of audio.entries()) {
      if (one === null) continue;
      const joint = one.start - (ends[track] ?? one.start) - one.gapBefore;
      largest = Math.max(largest, one.largestGap, joint);
      ends[track] = one.end;
    }
  }
  return largest;
}

/**
 * The proof of the whole video, from those of its segments. `sourceFrames` is what was counted in
 * the source.
 */
export function proofOf(segments: readonly SegmentProof[], sourceFrames: number, deviation: number): Proof {
  const sum = (figure: (segment: SegmentProof) => number) => segments.reduce((total, one) => total + figure(one), 0);
  const most = (figure: (segment: SegmentProof) => number) =>
    segments.reduce((top, one) => Math.max(top, figure(one)), 0);
  const segmentFrames = sum(({ frames }) => frames);
  const gap = largestAudioGap(segments);
  const anchored = sum(({ anchoredFrames = 0 }) => anchoredFrames);
  const measured = segments.flatMap(({ leastPsnr }) => leastPsnr ?? []);
  return {
    source_frames: sourceFrames,
    segment_frames: segmentFrames,
    undecodable_frames: sourceFrames - segmentFrames,
    copied_frames: sum(({ copiedFrames }) => copiedFrames),
    max_boundary_deviation_ms: milliseconds(deviation),
    max_frame_time_error_ms: milliseconds(most(({ largestTimeError }) => largestTimeError)),
    max_audio_offset_ms: milliseconds(most(({ largestAudioOffset }) => largestAudioOffset)),
    ...(gap === undefined ? {} : { max_audio_gap_ms: milliseconds(gap) }),
    ...(anchored > 0 ? { anchored_frames: anchored } : {}),
    ...(measured.length > 0 ? { least_psnr: Math.floor(Math.min(...measured) * 10) / 10 } : {}),
  };
}
