import { PictureOrderCounter } from "./picture-order-count.ts";
import { markedReferences, type Reference, type ReferenceLists, referenceLists } from "./reference-pictures.ts";
import { H264Refusal } from "./refusal.ts";
import type { SequenceParameterSet } from "./sequence-parameter-set.ts";
import type { SliceHeader } from "./slice-header.ts";

/** What a decoder knows of a picture from the headers of the pictures up to it. */
export type PictureState = {
  picOrderCnt: number;
  /** Of each of its slices. */
  lists: readonly ReferenceLists[];
  /** Reference pictures before it is decoded, and after. */
  references: readonly Reference[];
  marked: readonly Reference[];
};

/**
 * Simulates the decoding process for reference pictures of one coded video sequence: ITU-T H.264,
 * section 8.2. The first picture must be an IDR picture.
 */
export class DecoderModel {
  readonly #sequence: SequenceParameterSet;
  readonly #counter: PictureOrderCounter;
  #references: readonly Reference[] = [];
  /** PrevRefFrameNum; undefined before the first picture. */
  #previousFrameNum: number | undefined;

  constructor(sequence: SequenceParameterSet) {
    this.#sequence = sequence;
    this.#counter = new PictureOrderCounter(sequence);
  }

  /** The reference pictures after the last picture. */
  get references(): readonly Reference[] {
    return this.#references;
  }

  /** PrevRefFrameNum. */
  get previousFrameNum(): number {
    return this.#previousFrameNum ?? 0;
  }

  /**
   * Decodes the next picture, which the caller identifies by `picture`. Throws `H264Refusal` where
   * frame_num has a gap, for missing references, and for slices that contradict each other.
   */
  decode(picture: number, slices: readonly SliceHeader[]): PictureState {
    const header = slices[0]!;
    const { maxFrameNum } = this.#sequence;
    checkSlices(slices);
    this.#checkFrameNum(header);
    if (header.isIdr) this.#references = [];
    const references = this.#references;
    const picOrderCnt = this.#counter.next(header);
    const lists = slices.map((slice) => referenceLists(slice, picOrderCnt, references, maxFrameNum));
    const own = { picture, frameNum: header.frameNum, picOrderCnt };
    const marked = markedReferences(header, own, references, this.#sequence);
    this.#references = marked;
    if (header.nalRefIdc > 0) this.#previousFrameNum = header.frameNum;
    return { picOrderCnt, lists, references, marked };
  }

  /** Section 7.4.3, frame_num. */
  #checkFrameNum({ isIdr, frameNum }: SliceHeader): void {
    if (isIdr) {
      if (frameNum !== 0) throw new H264Refusal("malformed", `frame_num of an IDR picture is ${frameNum}`);
      return;
    }
    if (this.#previousFrameNum === undefined) throw new H264Refusal("no IDR picture", "the group begins without one");
    const expected = (this.#previousFrameNum + 1) % this.#sequence.maxFrameNum;
    if (frameNum !== expected)
      throw new H264Refusal("gap in frame numbers", `frame_num is ${frameNum}, not ${expected}`);
  }
}

/** What all slices of a picture have in common: section 7.4.1.2.4, and arbitrary slice order. */
function checkSlices(slices: readonly SliceHeader[]): void {
  const [first, ...others] = slices;
  if (first?.firstMb !== 0) throw new H264Refusal("slice order", "a picture doesn't begin with macroblock 0");
  let previous = first;
  for (const slice of others) {
    if (slice.firstMb <= previous.firstMb) throw new H264Refusal("slice order", "slices aren't in order");
    const isSame =
      slice.frameNum === first.frameNum &&
      slice.nalRefIdc === first.nalRefIdc &&
      slice.isIdr === first.isIdr &&
      slice.picOrderCntLsb === first.picOrderCntLsb &&
      slice.deltaPicOrderCntBottom === first.deltaPicOrderCntBottom &&
      isSameMarking(slice, first);
    if (!isSame) throw new H264Refusal("malformed", "slices of one picture contradict each other");
    previous = slice;
  }
}

const isSameMarking = ({ unmarkings: one }: SliceHeader, { unmarkings: other }: SliceHeader): boolean =>
  one?.length === other?.length &&
  (one ?? []).every((operation, at) => operation.differenceOfPicNumsMinus1 === other![at]!.differenceOfPicNumsMinus1);
