import { describe, expect, it } from "vitest";
import { encoderRuns, startOfRun, upTo } from "../../../services/split/domain/encoder-runs.ts";
import { planExactCut } from "../../../services/split/domain/exact-plan.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";

/** A video of one frame a second, with a keyframe every so many frames. */
function planned(frames: number, keyframeEvery: number, segmentSeconds: number) {
  const index = new PacketIndex();
  for (let time = 0; time < frames; time += 1) index.add({ time, duration: 1, key: time % keyframeEvery === 0 });
  const plan = planExactCut(index, segmentSeconds, 1)!;
  return { plan, runs: encoderRuns(plan, index) };
}

describe("encoder runs", () => {
  it("are single segments, each decoded from the keyframe before it", () => {
    expect(planned(24, 5, 6).runs).toEqual([
      { from: 0, to: 1, packets: { from: 0, to: 6 } },
      { from: 1, to: 2, packets: { from: 5, to: 12 } },
      { from: 2, to: 3, packets: { from: 10, to: 18 } },
      { from: 3, to: 4, packets: { from: 15, to: 24 } },
    ]);
  });

  it("have several very short segments", () => {
    const { runs } = planned(5, 1, 1);
    expect(runs.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
    ]);
    expect([0, 1, 2, 4].map((segment) => startOfRun(runs, segment))).toEqual([0, 0, 2, 4]);
  });

  it("become longer where a keyframe is far back, so that not much more is decoded than encoded", () => {
    const { runs } = planned(200, 1_000, 6);
    expect(runs.map(({ from }) => from)).toEqual([0, 1, 2, 4, 8, 16, 32]);
    expect(runs.every(({ packets }) => packets.from === 0)).toBe(true);
  });

  it("end where the last segment does that is needed", () => {
    const { plan, runs } = planned(5, 1, 1);
    expect(upTo(0, runs[0]!, plan)).toEqual({ from: 0, to: 1, packets: { from: 0, to: 1 } });
    expect(upTo(1, runs[0]!, plan)).toEqual(runs[0]);
    expect(upTo(0, runs[1]!, plan)).toEqual(runs[1]);
  });
});
