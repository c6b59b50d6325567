import type { SequenceParameterSet } from "./sequence-parameter-set.ts";
import type { SliceHeader } from "./slice-header.ts";

/**
 * Picture order counts of frames: ITU-T H.264, sections 8.2.1.1 and 8.2.1.3 (types 0 and 2).
 * Pictures must come in decode order.
 */
export class PictureOrderCounter {
  readonly #sequence: SequenceParameterSet;
  /** prevPicOrderCntMsb and prevPicOrderCntLsb. */
  #previous = { msb: 0, lsb: 0 };
  /** prevFrameNum and prevFrameNumOffset. */
  #previousFrame = { num: 0, offset: 0 };

  constructor(sequence: SequenceParameterSet) {
    this.#sequence = sequence;
  }

  /** PicOrderCnt of the next picture: the smaller one of its fields. */
  next(header: SliceHeader): number {
    return this.#sequence.picOrderCntType === 0 ? this.#fromLsb(header) : this.#fromFrameNum(header);
  }

  #fromLsb({ isIdr, nalRefIdc, picOrderCntLsb: lsb, deltaPicOrderCntBottom }: SliceHeader): number {
    const { maxPicOrderCntLsb: max } = this.#sequence;
    if (isIdr) this.#previous = { msb: 0, lsb: 0 };
    const previous = this.#previous;
    let { msb } = previous;
    if (lsb < previous.lsb && previous.lsb - lsb >= max / 2) msb += max;
    else if (lsb > previous.lsb && lsb - previous.lsb > max / 2) msb -= max;
    if (nalRefIdc > 0) this.#previous = { msb, lsb };
    return msb + lsb + Math.min(0, deltaPicOrderCntBottom);
  }

  #fromFrameNum({ isIdr, nalRefIdc, frameNum }: SliceHeader): number {
    const { num, offset: before } = this.#previousFrame;
    const wrapped = num > frameNum ? this.#sequence.maxFrameNum : 0;
    const offset = isIdr ? 0 : before + wrapped;
    this.#previousFrame = { num: frameNum, offset };
    return 2 * (offset + frameNum) - (nalRefIdc === 0 ? 1 : 0);
  }
}
