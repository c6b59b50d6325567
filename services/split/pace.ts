import type { CutRun } from "./deliver-segments.ts";
import type { SplitDependencies } from "./dependencies.ts";
import type { Pace } from "./domain/ranges.ts";

/** Measures the progress of an invocation from now on. */
export function measurePace(run: CutRun, { now, secondsLeft }: SplitDependencies): () => Pace {
  const cuttingSince = now();
  const { plan, made, delivered } = run;
  return () => {
    const lengths = { made: 0, missing: 0 };
    for (const { index, start, end } of plan.segments)
      if (made.has(index)) lengths.made += end - start;
      else if (!delivered.has(index)) lengths.missing += end - start;
    return { ...lengths, elapsed: (now().getTime() - cuttingSince.getTime()) / 1_000, left: secondsLeft() };
  };
}
