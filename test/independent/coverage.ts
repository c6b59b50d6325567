import { AUDIO_JITTER_S } from "./tolerances.ts";

/** An interval of audio, in seconds of the source. */
export type Interval = { start: number; end: number };

export type Coverage = {
  /** Seconds of the source's audio missing between consecutive segments. */
  gaps: number[];
  /** Seconds for which two consecutive segments both have audio. */
  overlaps: number[];
  /**
   * Seconds of the source's audio that are in no segment: before the first one's, after the last
   * one's, inside.
   */
  lostAtStart: number;
  lostAtEnd: number;
  lostInside: number;
  /** Seconds of the source's audio in total, and missing from all segments. */
  total: number;
  lost: number;
  /** Seconds of audio in segments where the source has none. */
  added: number;
};

const lengthOf = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, { start, end }) => sum + end - start, 0);

/** Sorts intervals and merges adjacent ones. */
export function union(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const interval of [...intervals].sort((one, other) => one.start - other.start)) {
    const last = merged.at(-1);
    if (last !== undefined && interval.start <= last.end + AUDIO_JITTER_S) last.end = Math.max(last.end, interval.end);
    else merged.push({ ...interval });
  }
  return merged;
}

/**
 * The intervals of `from` without those of `taken`; both must be merged. Intervals from rounded
 * times are dropped.
 */
export function subtract(from: readonly Interval[], taken: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  for (const { start, end } of from) {
    let at = start;
    for (const other of taken) {
      if (other.end <= at || other.start >= end) continue;
      left.push({ start: at, end: Math.min(end, other.start) });
      at = other.end;
    }
    left.push({ start: at, end });
  }
  return left.filter((one) => one.end - one.start > AUDIO_JITTER_S);
}

/** How much of the source's audio the segments have. All times are the source's. */
export function coverageOf(source: readonly Interval[], segments: readonly (readonly Interval[])[]): Coverage {
  const all = union(source);
  const covered = union(segments.flat());
  const audible = segments.filter((one) => one.length > 0).map(union);
  const gaps: number[] = [];
  const overlaps: number[] = [];
  audible.slice(1).forEach((segment, at) => {
    const end = audible[at]!.at(-1)!.end;
    const { start } = segment[0]!;
    const outside = [
      { start: Number.NEGATIVE_INFINITY, end },
      { start, end: Number.POSITIVE_INFINITY },
    ];
    gaps.push(start > end ? lengthOf(subtract(all, outside)) : 0);
    overlaps.push(end - start > AUDIO_JITTER_S ? end - start : 0);
  });
  const lost = subtract(all, covered);
  const first = covered[0]?.start ?? Number.POSITIVE_INFINITY;
  const last = covered.at(-1)?.end ?? Number.NEGATIVE_INFINITY;
  const before = lost.filter(({ end }) => end <= first + AUDIO_JITTER_S);
  const after = lost.filter((one) => one.start >= last - AUDIO_JITTER_S && !before.includes(one));
  const lostAtJoints = gaps.reduce((sum, hole) => sum + hole, 0);
  const [lostAtStart, lostAtEnd, allLost] = [lengthOf(before), lengthOf(after), lengthOf(lost)];
  return {
    gaps,
    overlaps,
    lostAtStart,
    lostAtEnd,
    lostInside: Math.max(0, allLost - lostAtStart - lostAtEnd - lostAtJoints),
    total: lengthOf(all),
    lost: allLost,
    added: lengthOf(subtract(covered, all)),
  };
}
