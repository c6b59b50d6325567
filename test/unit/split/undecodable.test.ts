import { describe, expect, it } from "vitest";
import { planExactCut } from "../../../services/split/domain/exact-plan.ts";
import { missingRuns, undecodedIn } from "../../../services/split/domain/missing-frames.ts";
import { PacketIndex } from "../../../services/split/domain/packet-index.ts";
import type { SegmentProof, Stretch } from "../../../services/split/domain/proof.ts";
import { joined, undecodableStretches } from "../../../services/split/domain/undecodable.ts";

const proofWith = (...stretches: Stretch[]): SegmentProof => ({
  ...{ frames: 1, undecodable: 0, copiedFrames: 1, start: 0, end: 1, largestTimeError: 0, largestAudioOffset: 0 },
  stretches,
});

/** Frames of a tenth of a second from `origin` on, a keyframe each second; without those at `lost`. */
function indexWithout(lost: Stretch, seconds: number, origin = 5): PacketIndex {
  const index = new PacketIndex();
  for (let frame = 0; frame < 10 * seconds; frame += 1) {
    const time = frame / 10;
    if (time >= lost.from && time < lost.to) continue;
    if (time >= lost.to && index.losses.length === 0) index.addLoss(index.count);
    index.add({ time: origin + time, duration: 0.1, key: frame % 10 === 0 });
  }
  return index;
}

describe("stretches that can't be decoded", () => {
  it("given stretches of segments and a loss that touch, then they are one", () => {
    const proofs = [
      proofWith({ from: 1.5, to: 2 }),
      proofWith(),
      proofWith({ from: 3.2, to: 3.5 }, { from: 7, to: 8 }),
    ];
    const stretches = undecodableStretches(proofs, indexWithout({ from: 2, to: 3.2 }, 10), 5);
    expect(stretches.map(({ from, to }) => [from.toFixed(3), to.toFixed(3)])).toEqual([
      ["1.500", "3.500"],
      ["7.000", "8.000"],
    ]);
  });

  it("given none, then there are none", () => {
    expect(undecodableStretches([proofWith()], new PacketIndex(), 0)).toEqual([]);
  });

  it("given more than may be named, then the closest ones are joined", () => {
    const apart = [0, 10, 11, 30].map((from) => ({ from, to: from + 0.5 }));
    expect(joined(apart, 3)).toEqual([
      { from: 0, to: 0.5 },
      { from: 10, to: 11.5 },
      { from: 30, to: 30.5 },
    ]);
  });

  it("given decoded times, then the frames between them are missing", () => {
    expect(missingRuns([0, 1, 2, 3, 4, 5], [0, 2.001, 5])).toEqual([
      { from: 1, to: 2 },
      { from: 3, to: 5 },
    ]);
    expect(missingRuns([0, 1], [])).toEqual([{ from: 0, to: 2 }]);
  });

  it("given an encoded segment, then a few frames that a decoder leaves out aren't a stretch", () => {
    const index = indexWithout({ from: 99, to: 99 }, 4, 0);
    const plan = planExactCut(index, 2, 10)!;
    const decoded = [2, 2.1, 2.4, 2.5, 2.9, 3, ...[3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9]];
    const [stretch, ...others] = undecodedIn(1, plan, index, decoded);
    expect([stretch?.from.toFixed(3), stretch?.to.toFixed(3), others.length]).toEqual(["2.600", "2.900", 0]);
  });
});

describe("the plan of a video with lost packets", () => {
  it("given frames whose keyframe is lost, then they are copied and not encoded", () => {
    const plan = planExactCut(indexWithout({ from: 1.6, to: 2.3 }, 6), 2, 10)!;
    const [, second] = plan.segments;
    expect(second).toMatchObject({ head: { from: 16, to: 16 }, copied: { from: 16, to: 33 } });
    expect(plan.jobs).toEqual([]);
  });

  it("given a window without a frame that can be decoded, then it makes no segment of its own", () => {
    const { segments } = planExactCut(indexWithout({ from: 1.6, to: 3.3 }, 8), 2, 10)!;
    expect(segments.map(({ requestedStart }) => requestedStart)).toEqual([0, 4, 6]);
  });
});
