import type { Picture } from "../../formats/h264/pictures.ts";
import { H264Refusal } from "../../formats/h264/refusal.ts";

/**
 * Plans the beginning of a segment within a group of pictures: which pictures are encoded (anchors),
 * and which are copied with another slice header. Pictures are counted in decode order, from the
 * group's IDR picture. docs/decisions/anchored-boundaries.md
 */
export type AnchorPlan = {
  /** Encoded pictures that begin the segment, in presentation order. */
  anchors: readonly number[];
  /** The pictures behind them, up to the group's end, in decode order. */
  copies: readonly number[];
  /**
   * Pictures among the copies that are encoded instead, since drift grows from one P picture to the
   * next: runs of consecutive pictures, in decode order.
   */
  refreshed: readonly (readonly number[])[];
};

/** A picture of the group, and its place in presentation order among all frames of the video. */
export type RankedPicture = { picture: Picture; rank: number };

/** Copied P pictures between two refreshed runs, and behind the last one. */
const REFRESH_DISTANCE = 80;
const MIN_AFTER_REFRESH = 20;

/** Encoded frames that a stitched boundary must have, for each one that an anchored one has. */
const MIN_FRAMES_RATIO = 3;

export const encodedPictures = ({ anchors, refreshed }: AnchorPlan): number[] => [...anchors, ...refreshed.flat()];

/**
 * Plans the boundary in front of the frame `boundary` (a rank). `group`: the whole group of pictures,
 * in decode order. Throws `H264Refusal` where the boundary can't be anchored, or gains nothing.
 */
export function planAnchors(group: readonly RankedPicture[], boundary: number, maxNumRefFrames: number): AnchorPlan {
  checkDisplayOrder(group);
  const isKept = (at: number): boolean => group[at]!.rank >= boundary;
  const first = group.findIndex(({ rank }) => rank === boundary);
  if (first === -1) throw new H264Refusal("display order", "the boundary's picture isn't in its group");
  let from = first + 1;
  for (const [at, { picture }] of group.entries())
    if (!isKept(at) || namedBy(picture).some((named) => !isKept(named))) from = Math.max(from, at + 1);
  from = behindColocated(group, from);
  if (from >= group.length) throw new H264Refusal("references to the end", "no picture is left to be copied");
  const anchors = group
    .flatMap((_, at) => (at < from && isKept(at) ? [at] : []))
    .sort((one, other) => group[one]!.rank - group[other]!.rank);
  const copies = Array.from({ length: group.length - from }, (_, at) => from + at);
  const plan = { anchors, copies, refreshed: refreshedRuns(group, copies, maxNumRefFrames) };
  const [encoded, frames] = [encodedPictures(plan).length, anchors.length + copies.length];
  if (encoded * MIN_FRAMES_RATIO > frames)
    throw new H264Refusal("as many frames", `${encoded} of ${frames} frames would be encoded`);
  return plan;
}

/** Pictures that a picture's lists name. */
const namedBy = ({ lists }: Picture): number[] =>
  lists.flatMap((both) => both.flat()).filter((named) => named !== undefined);

/**
 * Direct prediction takes motion from RefPicList1[0] (sections 8.4.1.2.1 to 8.4.1.2.3), and anchors
 * have other motion: pictures whose colocated picture is an anchor are anchors too.
 */
function behindColocated(group: readonly RankedPicture[], from: number): number {
  for (let start = from; ; ) {
    let next = start;
    for (let at = start; at < group.length; at += 1)
      for (const [, [colocated]] of group[at]!.picture.lists)
        if (colocated !== undefined && colocated < start) next = at + 1;
    if (next === start) return start;
    start = next;
  }
}

/** The order of picture order counts must be that of the container's times. */
function checkDisplayOrder(group: readonly RankedPicture[]): void {
  const sorted = group.toSorted((one, other) => one.rank - other.rank);
  const isRising = sorted.every(
    ({ picture, rank }, at) =>
      at === 0 || (picture.picOrderCnt > sorted[at - 1]!.picture.picOrderCnt && rank === sorted[at - 1]!.rank + 1),
  );
  if (!isRising) throw new H264Refusal("display order", "picture order counts differ from the container's times");
}

/** Empty where a copy is a B picture: drift doesn't grow there. */
function refreshedRuns(group: readonly RankedPicture[], copies: readonly number[], references: number): number[][] {
  const picturesOf = (at: number): Picture => group[at]!.picture;
  if (copies.some((at) => picturesOf(at).slices.some(({ header }) => header.type === "B"))) return [];
  const runs: number[][] = [];
  const length = Math.max(1, references);
  for (let at = REFRESH_DISTANCE; at + length + MIN_AFTER_REFRESH <= copies.length; at += REFRESH_DISTANCE) {
    const run = copies.slice(at, at + length);
    const isSimple = run.every(
      (one, place) =>
        picturesOf(one).slices[0]!.header.nalRefIdc > 0 &&
        (place === 0 || group[one]!.rank === group[run[place - 1]!]!.rank + 1),
    );
    if (isSimple) runs.push(run);
  }
  return runs;
}
