import { MAX_AUDIO_GAP_SECONDS, type SegmentAudio, type SegmentProof } from "../../split/domain/proof.ts";
import { ProofError } from "./proof-error.ts";

/** An audio packet of the source. Seconds from the segment's first frame. */
export type SourceAudioPacket = {
  time: number;
  duration: number;
  /** Gap in the audio since the previous packet's end, even if that is in another segment. */
  gap: number;
  /** False for priming, which a decoder needs before the audible audio and the source hides. */
  isPlayed: boolean;
};

/** An audio packet of the segment's file. Seconds; `time` is the file's. */
export type SegmentAudioPacket = { time: number; duration: number };

/** An audio track of one segment. */
export type ExpectedTrack = {
  packets: readonly SourceAudioPacket[];
  /** Whether packets stay as they are. Containers divide PCM into new packets. */
  isPacked: boolean;
};

export type SegmentTiming = {
  /** The segment's first frame: seconds on the file's clock. */
  begin: number;
  /** The segment's first frame: seconds from the first video frame. */
  start: number;
  /** Whether the container hides audio before zero, as an edit list does. */
  hidesNegative: boolean;
};

/** How far audio may move relative to the video, in seconds. */
const MAX_AUDIO_SECONDS = 0.04;

type Interval = { start: number; end: number };

/** The audible intervals of packets, on the file's clock. */
const played = (packets: readonly SegmentAudioPacket[], { hidesNegative }: SegmentTiming): Interval[] =>
  packets
    .map(({ time, duration }) => ({ start: hidesNegative ? Math.max(0, time) : time, end: time + duration }))
    .filter(({ start, end }) => end > start);

/**
 * Measures an audio track of a segment's file and compares it with the source's packets. `offset`:
 * how far the audio moved relative to the video, in seconds. `audio`: what of it is played;
 * undefined when there is none. Throws `ProofError` for a missing or duplicate packet,
 * unsynchronised audio, and a gap that the source doesn't have.
 */
export function proveTrack(
  track: number,
  { packets, isPacked }: ExpectedTrack,
  found: readonly SegmentAudioPacket[],
  timing: SegmentTiming,
): { offset: number; audio: SegmentAudio | undefined } {
  if (isPacked && found.length !== packets.length)
    throw new ProofError(`audio track ${track} has ${found.length} packets instead of ${packets.length}`);
  const expected = packets.filter(({ isPlayed }) => isPlayed);
  const [first] = expected;
  // Kept packets last as long as in the source; containers may not store durations.
  const kept = isPacked
    ? found.map(({ time }, at) => ({ time, duration: packets[at]!.duration })).filter((_, at) => packets[at]!.isPlayed)
    : found;
  const intervals = played(kept, timing);
  if (first === undefined) return { offset: 0, audio: undefined };
  const offset = offsetOf(packets, found, isPacked, timing);
  if (offset > MAX_AUDIO_SECONDS) throw new ProofError(`the audio is ${(offset * 1_000).toFixed(0)} ms out of sync`);

  const start = intervals[0]?.start ?? Number.POSITIVE_INFINITY;
  const lostAtStart = start - timing.begin - first.time;
  const largestGap = Math.max(
    0,
    lostAtStart,
    isPacked ? gapInside(expected, kept, timing) : lostOf(expected, intervals, timing),
  );
  assertGap(track, largestGap);
  const toSource = timing.start - timing.begin;
  return {
    offset,
    audio: { start: start + toSource, end: intervals.at(-1)!.end + toSource, gapBefore: first.gap, largestGap },
  };
}

function offsetOf(
  packets: readonly SourceAudioPacket[],
  found: readonly SegmentAudioPacket[],
  isPacked: boolean,
  { begin }: SegmentTiming,
): number {
  const compared = isPacked ? packets : packets.slice(0, 1);
  return compared.reduce(
    (largest, { time }, at) =>
      Math.max(largest, Math.abs((found[at]?.time ?? Number.POSITIVE_INFINITY) - begin - time)),
    0,
  );
}

/** The largest gap between packets that the source doesn't have, in seconds. */
function gapInside(
  expected: readonly SourceAudioPacket[],
  kept: readonly SegmentAudioPacket[],
  { hidesNegative }: SegmentTiming,
): number {
  let largest = 0;
  let end: number | undefined;
  for (const [at, { time, duration }] of kept.entries()) {
    if (hidesNegative && time + duration <= 0) continue;
    if (end !== undefined) largest = Math.max(largest, time - end - expected[at]!.gap);
    end = time + duration;
  }
  return largest;
}

/** Matroska and FLV keep milliseconds: rounding leaves this much between two packets. */
const ROUNDING_SECONDS = 0.0011;

/** Seconds of audio that are missing in total. The sum of rounded durations isn't a length. */
function lostOf(expected: readonly SourceAudioPacket[], found: readonly Interval[], { begin }: SegmentTiming): number {
  const [first, last] = [expected[0]!, expected.at(-1)!];
  const start = (found[0]?.start ?? Number.POSITIVE_INFINITY) - begin - first.time;
  const end = last.time + last.duration + begin - (found.at(-1)?.end ?? 0);
  const gaps = found.slice(1).map((interval, at) => interval.start - found[at]!.end);
  const sourceGaps = expected.slice(1).map(({ gap }) => gap);
  return Math.max(0, start) + Math.max(0, end) + sumOfGaps(gaps) - sumOfGaps(sourceGaps);
}

const sumOfGaps = (gaps: readonly number[]): number =>
  gaps.reduce((sum, gap) => sum + (gap > ROUNDING_SECONDS ? gap : 0), 0);

function assertGap(track: number, seconds: number): void {
  if (seconds > MAX_AUDIO_GAP_SECONDS)
    throw new ProofError(
      `audio track ${track} has a gap of ${(seconds * 1_000).toFixed(0)} ms that the source doesn't have`,
    );
}

/** Checks that audio continues from segment to segment. */
export class AudioContinuity {
  readonly #ends = new Map<number, number>();

  /**
   * Adds the next segment's audio. Throws `ProofError` for a gap between it and the previous
   * segments that the source doesn't have.
   */
  add({ audio = [] }: Pick<SegmentProof, "audio">): void {
    for (const [track, one] of audio.entries()) {
      if (one === null) continue;
      const end = this.#ends.get(track);
      if (end !== undefined) assertGap(track, one.start - end - one.gapBefore);
      this.#ends.set(track, one.end);
    }
  }
}
