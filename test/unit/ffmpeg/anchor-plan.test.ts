import { describe, expect, it } from "vitest";
import {
  encodedPictures,
  planAnchors,
  type RankedPicture,
} from "../../../services/ffmpeg/exact/anchored/anchor-plan.ts";
import { maxReordered } from "../../../services/ffmpeg/exact/anchored/max-reordered.ts";
import type { Picture } from "../../../services/ffmpeg/formats/h264/pictures.ts";
import type { RefusalReason } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import { orRefusal } from "../../../services/ffmpeg/formats/h264/refusal.ts";
import type { SliceHeader } from "../../../services/ffmpeg/formats/h264/slice-header.ts";

/** A picture in decode order: when it's shown, and the pictures that its lists name. */
type Sketch = { rank: number; type: "I" | "P" | "B"; lists?: [number[], number[]]; isReference?: boolean };

const groupOf = (sketches: readonly Sketch[]): RankedPicture[] =>
  sketches.map(({ rank, type, lists = [[], []], isReference = true }) => ({
    rank,
    picture: {
      picOrderCnt: 2 * rank,
      lists: [lists],
      references: [],
      marked: [],
      others: [],
      slices: [{ unit: Buffer.alloc(0), header: { type, nalRefIdc: isReference ? 2 : 0 } as SliceHeader }],
    } satisfies Picture,
  }));

/** I and P pictures in the order in which they are shown, each naming the `references` before. */
const chain = (count: number, references: number): Sketch[] =>
  Array.from({ length: count }, (_, rank) => ({
    rank,
    type: rank === 0 ? "I" : "P",
    lists: [Array.from({ length: Math.min(rank, references) }, (_, at) => rank - 1 - at), []],
  }));

/**
 * Groups of P4 B2 b1 b3: in decode order I0 P4 B2 b1 b3 P8 B6 b5 b7 …. P names the P before, B both
 * around it.
 */
function pyramid(groups: number): Sketch[] {
  const sketches: Sketch[] = [{ rank: 0, type: "I" }];
  for (let group = 0; group < groups; group += 1) {
    const before = group === 0 ? 0 : 4 * (group - 1) + 1;
    const p = 4 * group + 1;
    const first = 4 * group;
    sketches.push({ rank: first + 4, type: "P", lists: [[before], []] });
    sketches.push({ rank: first + 2, type: "B", lists: [[before], [p]] });
    sketches.push({ rank: first + 1, type: "B", lists: [[before], [p + 1]], isReference: false });
    sketches.push({ rank: first + 3, type: "B", lists: [[p + 1], [p]], isReference: false });
  }
  return sketches;
}

const ranksOf = (group: readonly RankedPicture[], pictures: readonly number[]) =>
  pictures.map((picture) => group[picture]!.rank);

describe("the plan of an anchored boundary", () => {
  it("encodes one picture where each one names the one before", () => {
    const group = groupOf(chain(30, 1));
    const plan = planAnchors(group, 10, 1);
    expect(ranksOf(group, plan.anchors)).toEqual([10]);
    expect(plan.copies).toEqual(Array.from({ length: 19 }, (_, at) => 11 + at));
  });

  it("encodes as many as a picture names", () => {
    const group = groupOf(chain(30, 3));
    expect(ranksOf(group, planAnchors(group, 10, 3).anchors)).toEqual([10, 11, 12]);
  });

  it("encodes in presentation order what is shown from the boundary on", () => {
    const group = groupOf(pyramid(10));
    // P8 is stored before the boundary. b5 and b7 need B6, which needs P4.
    const plan = planAnchors(group, 5, 4);
    // P12 is copied: it needs P8 only. B10's colocated picture is P12.
    expect(ranksOf(group, plan.anchors)).toEqual([5, 6, 7, 8]);
    expect(ranksOf(group, plan.copies.slice(0, 3))).toEqual([12, 10, 9]);
  });

  it("encodes pictures whose colocated picture is encoded", () => {
    const sketches = chain(30, 1);
    // Shown between 12 and 13 in decode order; its RefPicList1[0] is the anchor 10.
    sketches[14] = { rank: 14, type: "B", lists: [[13], [10]] };
    const group = groupOf(sketches);
    const plan = planAnchors(group, 10, 2);
    expect(ranksOf(group, plan.anchors)).toEqual([10, 11, 12, 13, 14]);
  });

  it("encodes pictures whose colocated picture is encoded for that reason", () => {
    const sketches = chain(40, 1);
    sketches[12] = { rank: 12, type: "B", lists: [[11], [10]] };
    sketches[14] = { rank: 14, type: "B", lists: [[13], [12]] };
    const group = groupOf(sketches);
    expect(ranksOf(group, planAnchors(group, 10, 2).anchors)).toEqual([10, 11, 12, 13, 14]);
  });

  it("encodes fresh references after 80 copies of a chain of P pictures", () => {
    const group = groupOf(chain(250, 2));
    const plan = planAnchors(group, 10, 2);
    expect(plan.refreshed.map((run) => ranksOf(group, run))).toEqual([
      [92, 93],
      [172, 173],
    ]);
    expect(encodedPictures(plan)).toHaveLength(6);
  });

  it("doesn't refresh pictures that are no references", () => {
    const sketches = chain(250, 1);
    sketches[91] = { ...sketches[91]!, isReference: false };
    const group = groupOf(sketches);
    expect(planAnchors(group, 10, 1).refreshed.map((run) => ranksOf(group, run))).toEqual([[171]]);
  });

  it.each([1, 4])("doesn't refresh where there are B pictures (%i references)", (references) => {
    expect(planAnchors(groupOf(pyramid(60)), 5, references).refreshed).toEqual([]);
  });

  const refused: [RefusalReason, RankedPicture[], number][] = [
    ["references to the end", groupOf([...chain(20, 1), { rank: 20, type: "P", lists: [[0], []] }]), 10],
    ["as many frames", groupOf(chain(20, 4)), 10],
    ["display order", groupOf(chain(20, 1)).map((one) => ({ ...one, rank: 19 - one.rank })), 10],
    ["display order", groupOf(chain(20, 1)), 30],
  ];
  it.each(refused)("is refused for its %s", (reason, group, boundary) => {
    expect(orRefusal(() => planAnchors(group, boundary, 4))).toMatchObject({ name: "H264Refusal", reason });
  });
});

it.each([
  [[0, 1, 2, 3], 0],
  [[0, 4, 2, 1, 3, 8, 6, 5, 7], 2],
  [[5, 6, 7, 8, 12, 10, 9, 11], 2],
])("max_num_reorder_frames of %j is %i", (ranks, expected) => {
  expect(maxReordered(ranks)).toBe(expected);
});
