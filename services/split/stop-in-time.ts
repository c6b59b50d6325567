import type { CutRun } from "./deliver-segments.ts";
import type { SplitDependencies } from "./dependencies.ts";
import { isEnding, secondsInTime } from "./domain/ranges.ts";
import { measurePace } from "./pace.ts";

/**
 * Reads no further than an invocation gets in its time, and, when that is nearly over, ends the run
 * with the last segment that there is time for: what is read and encoded of a later one would be
 * lost, and be read and encoded again by the next invocation. Call the result after each announced
 * segment.
 */
export function stoppingInTime(run: CutRun, dependencies: SplitDependencies): () => void {
  const paceNow = measurePace(run, dependencies);
  let expected = run.range.last;
  return () => {
    const pace = paceNow();
    if (run.stopAfter !== undefined || pace.made <= 0) return;
    // One is in progress, and not lost yet.
    const last = Math.min(run.range.last, Math.max(run.taken + 1, lastWithin(secondsInTime(pace), run)));
    if (last !== expected) run.reading.readUpTo(last);
    expected = last;
    if (last === run.range.last || !isEnding(pace)) return;
    run.stopAfter = last;
    dependencies.log.info("Time runs short", { last_segment: last });
  };
}

/** The last segment that is made when so many seconds of the video are, beside those that already are. */
function lastWithin(seconds: number, { range, plan, made, delivered }: CutRun): number {
  let left = seconds;
  for (let index = range.first; index <= range.last; index += 1) {
    const { start, end } = plan.segments[index]!;
    if (!made.has(index) && !delivered.has(index)) left -= end - start;
    if (left < 0) return index - 1;
  }
  return range.last;
}
