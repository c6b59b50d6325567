import { MAX_AUDIO_GAP_SECONDS, type SegmentProof, type SegmentSound } from "../../split/domain/proof.ts";
import { ProofError } from "./proof-error.ts";

/** A packet of sound as the source has it. Seconds, from the segment's first frame. */
export type SourceSound = {
  time: number;
  duration: number;
  /** Without sound before it: since the packet before it ended, whichever segment that is in. */
  gap: number;
  /** False for what a decoder needs before the sound begins, which the source hides. */
  isPlayed: boolean;
};

/** A packet of sound as the produced file has it. Seconds; `time` is on the file's own time line. */
export type FoundSound = { time: number; duration: number };

/** A track of sound of one segment. */
export type ExpectedTrack = {
  packets: readonly SourceSound[];
  /** Whether packets are kept as they are: PCM is packed anew by every container. */
  isPacked: boolean;
};

export type SoundPlace = {
  /** When the segment's first frame is shown: seconds on the file's time line. */
  begin: number;
  /** And seconds from the video's first frame. */
  start: number;
  /** Whether the container hides what comes before zero, as an edit list does. */
  hidesNegative: boolean;
};

/** Sound may be this far from where it was, against the picture. */
const MAX_AUDIO_SECONDS = 0.04;

type Interval = { start: number; end: number };

/** What is played of packets, on the file's time line. */
const played = (packets: readonly FoundSound[], { hidesNegative }: SoundPlace): Interval[] =>
  packets
    .map(({ time, duration }) => ({ start: hidesNegative ? Math.max(0, time) : time, end: time + duration }))
    .filter(({ start, end }) => end > start);

/**
 * Measures a track of a produced file against the packets of the source. `offset`: how far sound is
 * from where it was, against the picture. `sound`: what is played of it; undefined where that is
 * nothing. Throws `ProofError` for a packet that is missing or doubled, and for sound out of step or
 * with a hole that the source hasn't.
 */
export function proveTrack(
  track: number,
  { packets, isPacked }: ExpectedTrack,
  found: readonly FoundSound[],
  place: SoundPlace,
): { offset: number; sound: SegmentSound | undefined } {
  if (isPacked && found.length !== packets.length)
    throw new ProofError(`audio track ${track} has ${found.length} packets, and ${packets.length} belong into it`);
  const expected = packets.filter(({ isPlayed }) => isPlayed);
  const [first] = expected;
  // Packets that are kept last as long as in the source; containers may state none of it.
  const kept = isPacked
    ? found.map(({ time }, at) => ({ time, duration: packets[at]!.duration })).filter((_, at) => packets[at]!.isPlayed)
    : found;
  const intervals = played(kept, place);
  if (first === undefined) return { offset: 0, sound: undefined };
  const offset = offsetOf(packets, found, isPacked, place);
  if (offset > MAX_AUDIO_SECONDS) throw new ProofError(`the sound is ${(offset * 1_000).toFixed(0)} ms out of step`);

  const start = intervals[0]?.start ?? Number.POSITIVE_INFINITY;
  const lostAtStart = start - place.begin - first.time;
  const largestGap = Math.max(
    0,
    lostAtStart,
    isPacked ? gapInside(expected, kept, place) : lostOf(expected, intervals, place),
  );
  assertGap(track, largestGap);
  const toSource = place.start - place.begin;
  return {
    offset,
    sound: { start: start + toSource, end: intervals.at(-1)!.end + toSource, gapBefore: first.gap, largestGap },
  };
}

function offsetOf(
  packets: readonly SourceSound[],
  found: readonly FoundSound[],
  isPacked: boolean,
  { begin }: SoundPlace,
): number {
  const compared = isPacked ? packets : packets.slice(0, 1);
  return compared.reduce(
    (largest, { time }, at) =>
      Math.max(largest, Math.abs((found[at]?.time ?? Number.POSITIVE_INFINITY) - begin - time)),
    0,
  );
}

/** The largest hole between packets that the source hasn't. */
function gapInside(
  expected: readonly SourceSound[],
  kept: readonly FoundSound[],
  { hidesNegative }: SoundPlace,
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

/** Matroska and FLV keep milliseconds: what is between two packets by that is no hole. */
const ROUNDING_SECONDS = 0.0011;

/** Seconds of sound that are missing in all. Durations are rounded, and their sum isn't a length. */
function lostOf(expected: readonly SourceSound[], found: readonly Interval[], { begin }: SoundPlace): number {
  const [first, last] = [expected[0]!, expected.at(-1)!];
  const start = (found[0]?.start ?? Number.POSITIVE_INFINITY) - begin - first.time;
  const end = last.time + last.duration + begin - (found.at(-1)?.end ?? 0);
  const holes = found.slice(1).map((interval, at) => interval.start - found[at]!.end);
  const gaps = expected.slice(1).map(({ gap }) => gap);
  return Math.max(0, start) + Math.max(0, end) + sumOfHoles(holes) - sumOfHoles(gaps);
}

const sumOfHoles = (holes: readonly number[]): number =>
  holes.reduce((sum, hole) => sum + (hole > ROUNDING_SECONDS ? hole : 0), 0);

function assertGap(track: number, seconds: number): void {
  if (seconds > MAX_AUDIO_GAP_SECONDS)
    throw new ProofError(
      `audio track ${track} has a hole of ${(seconds * 1_000).toFixed(0)} ms that the source hasn't`,
    );
}

/** Follows each track over the joints of segments. */
export class SoundContinuity {
  readonly #ends = new Map<number, number>();

  /**
   * Takes the next segment's sound. Throws `ProofError` for a hole between it and that of the
   * segments before.
   */
  add({ sound = [] }: Pick<SegmentProof, "sound">): void {
    for (const [track, one] of sound.entries()) {
      if (one === null) continue;
      const end = this.#ends.get(track);
      if (end !== undefined) assertGap(track, one.start - end - one.gapBefore);
      this.#ends.set(track, one.end);
    }
  }
}
