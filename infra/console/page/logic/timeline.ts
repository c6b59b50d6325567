import type { Plan, SegmentView } from "../../api/types.ts";

/** A segment on the timeline: from 0 to 1 of its width. */
export type Bar = { index: number; from: number; to: number; made: SegmentView["made"] };

/** Where a boundary was requested and where it is, in seconds and from 0 to 1 of the width. */
export type Boundary = { index: number; requested: number; actual: number; requestedAt: number; actualAt: number };

/** A boundary is at the requested time up to this many seconds: half of any frame is longer. */
const SAME_SECONDS = 0.001;

/** The bars of the segments that are there. `duration` in seconds. */
export const barsOf = (segments: readonly (SegmentView | undefined)[], duration: number): Bar[] =>
  segments.flatMap((segment) =>
    segment === undefined || duration <= 0
      ? []
      : [
          {
            index: segment.segment_index,
            from: segment.start / duration,
            to: segment.end / duration,
            made: segment.made,
          },
        ],
  );

/** Boundaries between segments; none where the segment length isn't known. */
export function boundariesOf(
  segments: readonly (SegmentView | undefined)[],
  plan: Plan | undefined,
  duration: number,
): Boundary[] {
  if (plan === undefined || duration <= 0) return [];
  return segments.flatMap((segment) => {
    if (segment === undefined || segment.segment_index === 0) return [];
    const requested = segment.segment_index * plan.segment_seconds;
    const { start: actual, segment_index: index } = segment;
    return [{ index, requested, actual, requestedAt: requested / duration, actualAt: actual / duration }];
  });
}

/** How far a segment's start is from the requested time, such as "+40 ms"; undefined where it isn't. */
export function deviationOf(segment: SegmentView, plan: Plan | undefined): string | undefined {
  if (plan === undefined) return undefined;
  const deviation = segment.start - segment.segment_index * plan.segment_seconds;
  if (Math.abs(deviation) < SAME_SECONDS) return undefined;
  const milliseconds = Math.round(deviation * 1_000);
  return `${milliseconds > 0 ? "+" : "−"}${Math.abs(milliseconds)} ms`;
}

/** What the timeline shows, for who doesn't see it. */
export function describeTimeline(segments: readonly (SegmentView | undefined)[], plan: Plan | undefined): string {
  const there = segments.filter((segment) => segment !== undefined);
  const counts = (["copied", "stitched", "encoded"] as const).flatMap((made) => {
    const count = there.filter((segment) => segment.made === made).length;
    return count === 0 ? [] : [`${count} ${made}`];
  });
  const moved = there.filter((segment) => segment.segment_index > 0 && deviationOf(segment, plan) !== undefined).length;
  const boundaries =
    plan === undefined
      ? "requested boundaries aren't known here"
      : moved === 0
        ? "each boundary is at the requested time"
        : `${moved} boundaries differ from the requested time`;
  return `Timeline of ${there.length} segments: ${[...counts, boundaries].join(", ")}`;
}
