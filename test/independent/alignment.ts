import { TIME_ROUNDING_S } from "./tolerances.ts";

/** Time and hash of a frame. */
export type PlacedFrame = { time: number; hash: string };

/** A segment's frames, in order of time. */
export type PlacedSegment = {
  frames: readonly PlacedFrame[];
  /** Time of its first packet in seconds, whether or not it decodes; NaN when unknown. */
  start: number;
};

/** The positions of one segment's frames in the source. */
export type Placement = {
  /** Seconds to add to the segment's times to get the source's. */
  offset: number;
  /** For each frame the index of the source's frame at its time; -1 when there is none. */
  pairs: number[];
};

export type Alignment = {
  placements: Placement[];
  /** Frames of the source that are in no segment. */
  missing: number[];
  /** Frames of segments that are in another frame's position. */
  doubled: number;
  /** Frames of segments at times where the source has none. */
  extra: number;
  /** Largest time difference of a frame in seconds, counted from its segment's first frame. */
  maxTimeError: number;
};

/** Maximum distance of a search for a frame, also in a pause of the source. */
const MAX_REACH_S = 0.25;

/** Index of every hash that occurs once in the source. */
function landmarksOf(source: readonly PlacedFrame[]): Map<string, number> {
  const places = new Map<string, number>();
  source.forEach(({ hash }, at) => {
    places.set(hash, places.has(hash) ? Number.NaN : at);
  });
  return places;
}

/**
 * The offset by frames that are bit-identical to the source's; without any, a segment starts where
 * the previous one ends.
 */
function offsetOf(
  { frames, start }: PlacedSegment,
  source: readonly PlacedFrame[],
  landmarks: ReadonlyMap<string, number>,
  next: number,
): number {
  const offsets = frames.flatMap(({ hash, time }) => {
    const at = landmarks.get(hash);
    return at === undefined || Number.isNaN(at) ? [] : [source[at]!.time - time];
  });
  if (offsets.length > 0) return offsets.sort((one, other) => one - other)[offsets.length >> 1]!;
  const first = Number.isNaN(start) ? frames[0]!.time : Math.min(start, frames[0]!.time);
  return (source[next] ?? source.at(-1))!.time - first;
}

/** Half of the distance to the nearer neighbour, in seconds. */
function reachOf(source: readonly PlacedFrame[], at: number, rounding: number): number {
  const { time } = source[at]!;
  const before = time - (source[at - 1]?.time ?? Number.NEGATIVE_INFINITY);
  const after = (source[at + 1]?.time ?? Number.POSITIVE_INFINITY) - time;
  return Math.min(MAX_REACH_S, Math.max(rounding, Math.min(before, after) / 2));
}

/**
 * No muxer writes two frames with one time: each is at least a tick of Matroska after the previous.
 */
const TICK_S = 0.001;

/** The earliest time that a muxer can write for each frame. */
function writableTimes(source: readonly PlacedFrame[]): number[] {
  let latest = Number.NEGATIVE_INFINITY;
  return source.map(({ time }) => {
    latest = Math.max(time, latest + TICK_S);
    return latest;
  });
}

/**
 * Distance of a time from the expected one, or from the interval between that and the earliest that
 * can be written.
 */
const errorOf = (time: number, own: number, earliest: number): number =>
  Math.max(0, own - time, time - Math.max(own, earliest));

const sharesTime = (source: readonly PlacedFrame[], at: number): boolean =>
  source[at - 1]?.time === source[at]!.time || source[at + 1]?.time === source[at]!.time;

/** Finds each frame's index in the source by its time, in order. */
function pairsOf(frames: readonly PlacedFrame[], source: readonly PlacedFrame[], offset: number, rounding: number) {
  const first = frames[0]!.time + offset;
  let at = source.findIndex(({ time }) => time >= first - MAX_REACH_S);
  if (at === -1) at = source.length;
  return frames.map(({ time, hash }) => {
    for (; at < source.length; at += 1) {
      const reach = reachOf(source, at, rounding);
      const difference = time + offset - source[at]!.time;
      if (sharesTime(source, at) && source[at]!.hash === hash && Math.abs(difference) <= MAX_REACH_S) {
        at += 1;
        return at - 1;
      }
      if (difference < -reach) return -1;
      // Two frames of the source may be within reach of a rounded time: the nearer one counts.
      const following = source[at + 1];
      const isNearerNext = following !== undefined && Math.abs(time + offset - following.time) < Math.abs(difference);
      if (Math.abs(difference) <= reach && !isNearerNext) {
        at += 1;
        return at - 1;
      }
    }
    return -1;
  });
}

/**
 * Aligns segments with their source. `rounding`: seconds by which both containers may round a time.
 */
export function align(
  source: readonly PlacedFrame[],
  segments: readonly PlacedSegment[],
  rounding = TIME_ROUNDING_S,
): Alignment {
  const landmarks = landmarksOf(source);
  const writable = writableTimes(source);
  const held = new Uint8Array(source.length);
  const placements: Placement[] = [];
  let next = 0;
  let doubled = 0;
  let extra = 0;
  let maxTimeError = 0;
  for (const segment of segments) {
    const { frames } = segment;
    if (frames.length === 0 || source.length === 0) {
      placements.push({ offset: 0, pairs: frames.map(() => -1) });
      extra += frames.length;
      continue;
    }
    const offset = offsetOf(segment, source, landmarks, next);
    const pairs = pairsOf(frames, source, offset, rounding);
    const start = pairs.findIndex((pair) => pair !== -1);
    const zero = start === -1 ? 0 : source[pairs[start]!]!.time - frames[start]!.time;
    pairs.forEach((pair, at) => {
      const before = pairs.slice(Math.max(0, at - 2), at).findLast((one) => one !== -1);
      if (pair === -1) {
        const isRepeated = before !== undefined && frames[at]!.hash === frames[at - 1]?.hash;
        if (isRepeated) doubled += 1;
        else extra += 1;
        return;
      }
      if (held[pair] === 1) doubled += 1;
      held[pair] = 1;
      next = Math.max(next, pair + 1);
      maxTimeError = Math.max(maxTimeError, errorOf(frames[at]!.time + zero, source[pair]!.time, writable[pair]!));
    });
    placements.push({ offset, pairs });
  }
  const missing = [...held.keys()].filter((at) => held[at] === 0);
  return { placements, missing, doubled, extra, maxTimeError };
}
