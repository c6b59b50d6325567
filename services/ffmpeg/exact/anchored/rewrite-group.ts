import { DecoderModel } from "../../formats/h264/decoder-model.ts";
import { type PictureParameterSet, writePictureParameterSet } from "../../formats/h264/picture-parameter-set.ts";
import type { Picture, Slice } from "../../formats/h264/pictures.ts";
import {
  markedReferences,
  modificationsFor,
  type Reference,
  type ReferenceLists,
  referenceLists,
} from "../../formats/h264/reference-pictures.ts";
import { H264Refusal, orRefusal } from "../../formats/h264/refusal.ts";
import { isHighProfile } from "../../formats/h264/sequence-parameter-set.ts";
import { type ParameterSets, parseSliceHeader, type SliceHeader } from "../../formats/h264/slice-header.ts";
import { withSliceHeader } from "../../formats/h264/slice-header-writer.ts";
import { type AnchorPlan, encodedPictures } from "./anchor-plan.ts";
import { type EncodedPictures, encodedPictureSet } from "./encoded-picture-set.ts";

/** A picture of the new group, in decode order. */
export type RewrittenPicture = {
  /** Its number in the source's group. */
  picture: number;
  isEncoded: boolean;
  slices: Buffer[];
};

export type RewrittenGroup = {
  pictures: RewrittenPicture[];
  /** The picture parameter set of the encoded pictures: its id, and a NAL unit of type 8. */
  pictureSet: { id: number; unit: Buffer };
};

/** The source's pictures of a group, and those that an encoder made of some of them. */
export type GroupRewriting = EncodedPictures & { group: readonly Picture[]; plan: AnchorPlan };

/**
 * Makes a group that begins with the anchors and goes on with the source's slices, whose headers are
 * changed so that they refer to the same pictures. Throws `H264Refusal` where that isn't possible;
 * what is returned was read back, and each slice names the same pictures as in the source.
 */
export function rewriteGroup(rewriting: GroupRewriting): RewrittenGroup {
  const { plan } = rewriting;
  const rewriter = new GroupRewriter(rewriting);
  const refreshed = new Set(plan.refreshed.flat());
  const pictures = [
    ...plan.anchors.map((_, at) => rewriter.anchor(at)),
    ...plan.copies.map((picture) => (refreshed.has(picture) ? rewriter.refresh(picture) : rewriter.copy(picture))),
  ];
  return { pictures, pictureSet: rewriter.pictureSet };
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

class GroupRewriter {
  readonly pictureSet: { id: number; unit: Buffer };
  readonly #rewriting: GroupRewriting;
  readonly #model: DecoderModel;
  readonly #set: PictureParameterSet;
  /** The parameter sets of the new group. */
  readonly #written: ParameterSets;
  readonly #encodedAt: ReadonlyMap<number, Slice>;
  /** Anchors that are references when the first copy is decoded. */
  readonly #needed: ReadonlySet<number>;
  readonly #poc: number;
  /** Subtracted from frame_num of copies. */
  #frameNumShift: number | undefined;
  #lastOrder = -1;

  constructor(rewriting: GroupRewriting) {
    const { group, plan, sets, encoded } = rewriting;
    const pictures = encodedPictures(plan);
    if (encoded.length !== pictures.length)
      throw new H264Refusal("rewrite differs", `${encoded.length} of ${pictures.length} pictures were encoded`);
    this.#rewriting = rewriting;
    this.#model = new DecoderModel(sets.sequence);
    this.#encodedAt = new Map(pictures.map((picture, at) => [picture, encoded[at]!]));
    const kept = new Set(plan.anchors);
    const first = group[plan.copies[0]!]!;
    this.#needed = new Set(first.references.map(({ picture }) => picture).filter((picture) => kept.has(picture)));
    this.#poc = group[plan.anchors[0]!]!.picOrderCnt;
    const hasB = plan.copies.some((at) => group[at]!.slices.some(({ header }) => header.type === "B"));
    if (hasB && sets.sequence.picOrderCntType === 2)
      throw new H264Refusal("picture order count type", "there are B pictures, and pic_order_cnt_type is 2");
    const nearest = group[plan.anchors[0]!]!.slices[0]!.header.pictureSetId;
    this.#set = encodedPictureSet(rewriting, nearest);
    this.#written = { sequence: sets.sequence, pictures: new Map(sets.pictures).set(this.#set.id, this.#set) };
    const isFlat = sets.sequence.hasScalingMatrix && isHighProfile(sets.sequence);
    this.pictureSet = { id: this.#set.id, unit: writePictureParameterSet(this.#set, isFlat) };
  }

  /** The next anchor: the first one is an IDR picture, and the others refer to the one before. */
  anchor(at: number): RewrittenPicture {
    const { plan, group } = this.#rewriting;
    const picture = plan.anchors[at]!;
    const isFirst = at === 0;
    const isReference = isFirst || at + 1 < plan.anchors.length || this.#needed.has(picture);
    const { frameNum, slice, base } = this.#encodedHeader(picture, isFirst);
    const header = { ...base, nalRefIdc: isReference ? (isFirst ? 3 : 2) : 0 };
    const wanted = this.#model.references.filter((one) => this.#needed.has(one.picture));
    const marked = this.#marked({ ...header, frameNum }, picture, wanted);
    const lists: ReferenceLists = [slice.header.type === "P" ? [plan.anchors[at - 1]] : [], []];
    return this.#made(picture, [{ slice, header: { ...header, ...marked }, lists, set: this.#set }], group[picture]!);
  }

  /** Encodes a copy instead, with the place that it has among the copies. */
  refresh(picture: number): RewrittenPicture {
    const source = this.#rewriting.group[picture]!;
    const { slice, base } = this.#encodedHeader(picture, false);
    const header = { ...base, nalRefIdc: source.slices[0]!.header.nalRefIdc };
    const marked = this.#marked(header, picture, this.#stillMarked(source));
    const lists: ReferenceLists = [slice.header.type === "P" ? [picture - 1] : [], []];
    return this.#made(picture, [{ slice, header: { ...header, ...marked }, lists, set: this.#set }], source);
  }

  copy(picture: number): RewrittenPicture {
    const { group, sets } = this.#rewriting;
    const source = group[picture]!;
    const { header: first } = source.slices[0]!;
    const frameNum = this.#frameNumOf(first.frameNum);
    const marked = this.#marked({ ...first, frameNum }, picture, this.#stillMarked(source));
    const slices = source.slices.map((slice, at) => {
      const { header: original } = slice;
      const header = { ...original, ...marked, frameNum, picOrderCntLsb: this.#lsbOf(original) };
      const lists = source.lists[at]!;
      const modifications = this.#modifications(header, source.picOrderCnt - this.#poc, lists);
      const set = sets.pictures.get(original.pictureSetId)!;
      return { slice, header: { ...header, modifications }, lists, set };
    });
    return this.#made(picture, slices, source);
  }

  /** Serializes a picture, and checks that a decoder reads of it what the source's decoder does. */
  #made(picture: number, slices: readonly NewSlice[], source: Picture): RewrittenPicture {
    const { sequence } = this.#rewriting.sets;
    const isEncoded = this.#encodedAt.has(picture);
    const units = slices.map(({ slice, header, set }) =>
      withSliceHeader(slice.unit, slice.header, header, { sequence, picture: set }),
    );
    const state = this.#model.decode(
      picture,
      units.map((unit) => parseSliceHeader(unit, this.#written)),
    );
    this.#checkOrder(picture, state.picOrderCnt, source);
    for (const [at, { lists }] of slices.entries())
      if (!beginsAs(state.lists[at]!, lists))
        throw new H264Refusal("rewrite differs", `picture ${picture} refers to other pictures`);
    return { picture, isEncoded, slices: units };
  }

  /** Picture order counts of type 2 follow from frame_num, and rise in decode order. */
  #checkOrder(picture: number, picOrderCnt: number, source: Picture): void {
    const isByLsb = this.#rewriting.sets.sequence.picOrderCntType === 0;
    const isRight = isByLsb ? picOrderCnt === source.picOrderCnt - this.#poc : picOrderCnt > this.#lastOrder;
    if (!isRight) throw new H264Refusal("rewrite differs", `picture ${picture} has another picture order count`);
    this.#lastOrder = picOrderCnt;
  }

  /** An encoded slice with the source's numbers. */
  #encodedHeader(picture: number, isIdr: boolean): { frameNum: number; slice: Slice; base: SliceHeader } {
    const slice = this.#encodedAt.get(picture)!;
    const { header: source } = this.#rewriting.group[picture]!.slices[0]!;
    const isAnchor = this.#frameNumShift === undefined && this.#rewriting.plan.anchors.includes(picture);
    const next = isIdr ? 0 : (this.#model.previousFrameNum + 1) % this.#rewriting.sets.sequence.maxFrameNum;
    const frameNum = isAnchor ? next : this.#frameNumOf(source.frameNum);
    const numbers = { frameNum, isIdr, idrPicId: 0, noOutputOfPriorPics: false, unmarkings: undefined };
    const picOrderCntLsb = this.#lsbOf(source);
    const { deltaPicOrderCntBottom } = source;
    const base = { ...slice.header, ...numbers, picOrderCntLsb, deltaPicOrderCntBottom, pictureSetId: this.#set.id };
    return { frameNum, slice, base };
  }

  #frameNumOf(frameNum: number): number {
    const { maxFrameNum } = this.#rewriting.sets.sequence;
    this.#frameNumShift ??= frameNum - this.#model.previousFrameNum - 1;
    return modulo(frameNum - this.#frameNumShift, maxFrameNum);
  }

  #lsbOf({ picOrderCntLsb }: SliceHeader): number {
    const { picOrderCntType, maxPicOrderCntLsb } = this.#rewriting.sets.sequence;
    return picOrderCntType === 0 ? modulo(picOrderCntLsb - this.#poc, maxPicOrderCntLsb) : 0;
  }

  /** The references that the source's decoder keeps after a picture, of those in the new group. */
  #stillMarked({ marked }: Picture): Reference[] {
    const kept = new Set(marked.map((one) => one.picture));
    return this.#model.references.filter((one) => kept.has(one.picture));
  }

  /** How a picture must mark references so that `wanted` and itself are left. */
  #marked(
    header: SliceHeader,
    picture: number,
    wanted: readonly Reference[],
  ): Pick<SliceHeader, "unmarkings" | "noOutputOfPriorPics"> {
    const { sequence } = this.#rewriting.sets;
    const unchanged = { unmarkings: header.unmarkings, noOutputOfPriorPics: false };
    if (header.nalRefIdc === 0 || header.isIdr) return unchanged;
    const own = { picture, frameNum: header.frameNum, picOrderCnt: 0 };
    const { references } = this.#model;
    const found = orRefusal(() => markedReferences(header, own, references, sequence));
    const kept = new Set(wanted.map((one) => one.picture)).add(picture);
    if (!(found instanceof H264Refusal) && found.length === kept.size && found.every((one) => kept.has(one.picture)))
      return unchanged;
    const unmarkings = references
      .filter((one) => !kept.has(one.picture))
      .map(({ frameNum }) => ({
        differenceOfPicNumsMinus1: modulo(header.frameNum - frameNum, sequence.maxFrameNum) - 1,
      }));
    const isFull = references.length >= Math.max(sequence.maxNumRefFrames, 1);
    return { unmarkings: unmarkings.length > 0 || isFull ? unmarkings : undefined, noOutputOfPriorPics: false };
  }

  /** The modifications that give a slice the same lists as in the source. */
  #modifications(header: SliceHeader, picOrderCnt: number, lists: ReferenceLists): SliceHeader["modifications"] {
    const { references } = this.#model;
    const { maxFrameNum } = this.#rewriting.sets.sequence;
    const found = orRefusal(() => referenceLists(header, picOrderCnt, references, maxFrameNum));
    const list = (number: 0 | 1) => {
      const wanted = definedPrefix(lists[number]);
      const isSame = !(found instanceof H264Refusal) && beginsWith(found[number], wanted);
      if (isSame || wanted.length === 0) return header.modifications[number];
      return modificationsFor(wanted, header.frameNum, references, maxFrameNum);
    };
    return [list(0), list(1)];
  }
}

type NewSlice = {
  slice: Slice;
  header: SliceHeader;
  /** The pictures that it must refer to. */
  lists: ReferenceLists;
  set: PictureParameterSet;
};

function definedPrefix(list: readonly (number | undefined)[]): number[] {
  const end = list.indexOf(undefined);
  return (end === -1 ? list : list.slice(0, end)).filter((picture) => picture !== undefined);
}

const beginsWith = (list: readonly (number | undefined)[], wanted: readonly (number | undefined)[]): boolean =>
  wanted.every((picture, at) => picture === undefined || list[at] === picture);

const beginsAs = (lists: ReferenceLists, wanted: ReferenceLists): boolean =>
  beginsWith(lists[0], wanted[0]) && beginsWith(lists[1], wanted[1]);
