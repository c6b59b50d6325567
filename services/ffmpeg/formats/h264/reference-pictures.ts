import { H264Refusal } from "./refusal.ts";
import type { ListModification, SliceHeader } from "./slice-header.ts";

/**
 * Short-term reference frames: marking and lists. ITU-T H.264, sections 8.2.4 and 8.2.5. There are
 * no fields and no long-term pictures.
 */
export type Reference = {
  /** Identifies the picture to the caller. */
  picture: number;
  frameNum: number;
  picOrderCnt: number;
};

/** What decides a slice's lists. */
export type ListHeader = Pick<SliceHeader, "type" | "frameNum" | "active" | "modifications">;

/** RefPicList0 and RefPicList1: pictures; undefined for "no reference picture". */
export type ReferenceLists = readonly [readonly (number | undefined)[], readonly (number | undefined)[]];

/** FrameNumWrap, equation 8-27, which is PicNum in frames. */
const picNum = ({ frameNum }: Reference, current: number, maxFrameNum: number): number =>
  frameNum > current ? frameNum - maxFrameNum : frameNum;

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/**
 * The lists of a slice. `picOrderCnt`: of its picture. `references`: those before it is decoded.
 * Throws `H264Refusal` where a modification names a picture that isn't among them.
 */
export function referenceLists(
  header: ListHeader,
  picOrderCnt: number,
  references: readonly Reference[],
  maxFrameNum: number,
): ReferenceLists {
  const initial = initialLists(header, picOrderCnt, references, maxFrameNum);
  const list = (number: 0 | 1) =>
    modified(initial[number], header.active[number], header.modifications[number], header, references, maxFrameNum);
  return [list(0), list(1)];
}

/** Sections 8.2.4.2.1 and 8.2.4.2.3. */
function initialLists(
  { type, frameNum }: ListHeader,
  picOrderCnt: number,
  references: readonly Reference[],
  maxFrameNum: number,
): readonly [readonly Reference[], readonly Reference[]] {
  if (type === "I") return [[], []];
  if (type === "P") {
    const number = (reference: Reference) => picNum(reference, frameNum, maxFrameNum);
    return [references.toSorted((one, other) => number(other) - number(one)), []];
  }
  const before = references.filter((one) => one.picOrderCnt <= picOrderCnt);
  const after = references.filter((one) => one.picOrderCnt > picOrderCnt);
  before.sort((one, other) => other.picOrderCnt - one.picOrderCnt);
  after.sort((one, other) => one.picOrderCnt - other.picOrderCnt);
  const [first, second] = [
    [...before, ...after],
    [...after, ...before],
  ];
  // Two lists of several entries must differ.
  const isSame = second.length > 1 && second.every((one, at) => one === first[at]);
  return [first, isSame ? [second[1]!, second[0]!, ...second.slice(2)] : second];
}

/** Section 8.2.4.3.1. */
function modified(
  initial: readonly Reference[],
  active: number,
  modifications: readonly ListModification[] | undefined,
  { frameNum }: ListHeader,
  references: readonly Reference[],
  maxFrameNum: number,
): (number | undefined)[] {
  let list: (number | undefined)[] = Array.from({ length: active }, (_, at) => initial[at]?.picture);
  let predicted = frameNum;
  for (const [at, { idc, absDiffPicNumMinus1 }] of (modifications ?? []).entries()) {
    const difference = absDiffPicNumMinus1 + 1;
    predicted = modulo(predicted + (idc === 0 ? -difference : difference), maxFrameNum);
    const named = references.find((one) => one.frameNum === predicted)?.picture;
    if (named === undefined) throw new H264Refusal("missing reference", "a list modification names no reference");
    if (at >= active) throw new H264Refusal("malformed", "a list has more modifications than entries");
    list = [...list.slice(0, at), named, ...list.slice(at).filter((picture) => picture !== named)];
    list = Array.from({ length: active }, (_, entry) => list[entry]);
  }
  return list;
}

/**
 * The modifications after which a list begins with these pictures. Throws `H264Refusal` where one
 * of them is no reference.
 */
export function modificationsFor(
  pictures: readonly number[],
  frameNum: number,
  references: readonly Reference[],
  maxFrameNum: number,
): ListModification[] {
  let predicted = frameNum;
  return pictures.map((picture) => {
    const named = references.find((one) => one.picture === picture);
    if (named === undefined) throw new H264Refusal("missing reference", "a list names a picture that is no reference");
    const difference = modulo(named.frameNum - predicted, maxFrameNum);
    predicted = named.frameNum;
    if (difference === 0) return { idc: 0, absDiffPicNumMinus1: maxFrameNum - 1 };
    if (difference <= maxFrameNum / 2) return { idc: 1, absDiffPicNumMinus1: difference - 1 };
    return { idc: 0, absDiffPicNumMinus1: maxFrameNum - difference - 1 };
  });
}

/** What decides which pictures are references after a picture. */
export type MarkingHeader = Pick<SliceHeader, "nalRefIdc" | "isIdr" | "frameNum" | "unmarkings">;

/**
 * The references after a picture (`own`) was decoded. Throws `H264Refusal` for an operation on a
 * picture that is none, and where there are more than `maxNumRefFrames`.
 */
export function markedReferences(
  header: MarkingHeader,
  own: Reference,
  references: readonly Reference[],
  { maxNumRefFrames, maxFrameNum }: { maxNumRefFrames: number; maxFrameNum: number },
): Reference[] {
  if (header.nalRefIdc === 0) return [...references];
  if (header.isIdr) return [own];
  let kept = [...references];
  if (header.unmarkings !== undefined) {
    for (const { differenceOfPicNumsMinus1 } of header.unmarkings) {
      const named = modulo(header.frameNum - differenceOfPicNumsMinus1 - 1, maxFrameNum);
      const left = kept.filter((one) => one.frameNum !== named);
      if (left.length === kept.length)
        throw new H264Refusal("missing reference", "a marking operation names no reference");
      kept = left;
    }
  } else if (kept.length >= Math.max(maxNumRefFrames, 1)) {
    // Sliding window, section 8.2.5.3: the smallest FrameNumWrap.
    const number = (one: Reference) => picNum(one, header.frameNum, maxFrameNum);
    const oldest = kept.reduce((least, one) => (number(one) < number(least) ? one : least));
    kept = kept.filter((one) => one !== oldest);
  }
  if (kept.length >= Math.max(maxNumRefFrames, 1))
    throw new H264Refusal("reference buffer", "there are more references than max_num_ref_frames");
  if (kept.some(({ frameNum }) => frameNum === own.frameNum))
    throw new H264Refusal("reference buffer", "frame_num wraps while a picture is kept");
  return [...kept, own];
}
