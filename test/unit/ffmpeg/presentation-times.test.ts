import { describe, expect, it } from "vitest";
import { PresentationTimes } from "../../../services/ffmpeg/exact/presentation-times.ts";
import { planExactCut } from "../../../services/split/domain/exact-plan.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";

/**
 * Duration of the last frame of each segment of 2 s, from presentation times and stated durations.
 */
function lastDurations(times: readonly number[], duration: number | undefined): number[] {
  const index = new PacketIndex();
  for (const time of times) index.add({ time, duration, key: true });
  const plan = planExactCut(index, 2, 25)!;
  const presentation = new PresentationTimes(plan, index, 1_000);
  return plan.segments.map((segment) => presentation.lastDurationOf(segment));
}

describe("the duration of a segment's last frame", () => {
  it("lasts until the next segment", () => {
    expect(lastDurations([0, 1, 1.5, 2, 3], 0.5)).toEqual([0.5, 0.5]);
    expect(lastDurations([0, 1, 1.5, 2, 3], undefined)[0]).toBe(0.5);
  });

  it("is the stated one before a pause, and lasts until the next segment when none is stated", () => {
    expect(lastDurations([0, 1, 3_600, 3_601], 0.5)).toEqual([0.5, 0.5]);
    expect(lastDurations([0, 1, 3_600, 3_601], undefined)[0]).toBe(3_599);
  });
});
