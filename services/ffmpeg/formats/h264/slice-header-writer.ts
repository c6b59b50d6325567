import { escaped, unescaped } from "../nal/bits.ts";
import { contentBits } from "./bit-reader.ts";
import { appendBits, BitWriter } from "./bit-writer.ts";
import type { PictureParameterSet } from "./picture-parameter-set.ts";
import { H264Refusal } from "./refusal.ts";
import type { SequenceParameterSet } from "./sequence-parameter-set.ts";
import { type ListModification, listsOf, type SliceHeader } from "./slice-header.ts";

const SLICE = 1;
const IDR = 5;

/** Parameter sets that a rewritten slice refers to. */
export type TargetSets = { sequence: SequenceParameterSet; picture: PictureParameterSet };

/**
 * The slice with another header; its data is kept. `unit` has the header `original`, and is coded
 * as `target` says (CABAC or CAVLC). Throws `H264Refusal` for slice data that is malformed.
 */
export function withSliceHeader(unit: Buffer, original: SliceHeader, header: SliceHeader, target: TargetSets): Buffer {
  const rbsp = unescaped(unit.subarray(1));
  const writer = new BitWriter();
  writeHeader(writer, header, target, rbsp);
  const content = contentBits(rbsp);
  if (content <= original.bits) throw new H264Refusal("malformed", "a slice has no data");
  const first = Buffer.from([(header.nalRefIdc << 5) | (header.isIdr ? IDR : SLICE)]);
  // The stop bit is kept, and what is behind it isn't: cabac_zero_words, section 7.4.2.10.
  const end = content + 1;
  if (!target.picture.isCabac) {
    const headBits = writer.position;
    return Buffer.concat([first, escaped(appendBits(writer.bytes(), headBits, rbsp, original.bits, end))]);
  }
  // cabac_alignment_one_bit, section 7.3.4.
  writer.align(1);
  const data = rbsp.subarray(Math.ceil(original.bits / 8), Math.ceil(end / 8));
  return Buffer.concat([first, escaped(Buffer.concat([writer.bytes(), data]))]);
}

/** Section 7.3.3. */
function writeHeader(writer: BitWriter, header: SliceHeader, { sequence, picture }: TargetSets, rbsp: Buffer): void {
  const { type, active, isIdr } = header;
  writer.ue(header.firstMb);
  writer.ue(header.typeCode);
  writer.ue(picture.id);
  writer.u(Math.log2(sequence.maxFrameNum), header.frameNum);
  if (isIdr) writer.ue(header.idrPicId);
  if (sequence.picOrderCntType === 0) {
    writer.u(Math.log2(sequence.maxPicOrderCntLsb), header.picOrderCntLsb);
    if (picture.hasBottomFieldOrder) writer.se(header.deltaPicOrderCntBottom);
  }
  if (picture.hasRedundantPicCnt) writer.ue(0);
  if (type === "B") writer.flag(header.directSpatialMvPred);
  const lists = listsOf(type);
  if (lists > 0) {
    const isOverridden = active.slice(0, lists).some((entries, list) => entries !== picture.defaultActive[list]);
    writer.flag(isOverridden);
    if (isOverridden) for (let list = 0; list < lists; list += 1) writer.ue(active[list]! - 1);
  }
  for (const list of header.modifications.slice(0, lists)) writeModifications(writer, list);
  if (header.weights !== undefined) writer.copy(rbsp, header.weights.from, header.weights.to);
  if (header.nalRefIdc > 0) writeMarking(writer, header);
  if (picture.isCabac && type !== "I") writer.ue(header.cabacInitIdc);
  writer.se(header.sliceQpDelta);
  if (!picture.hasDeblockingControl) return;
  const { disableIdc, alphaOffset, betaOffset } = header.deblocking ?? { disableIdc: 0, alphaOffset: 0, betaOffset: 0 };
  writer.ue(disableIdc);
  if (disableIdc === 1) return;
  writer.se(alphaOffset);
  writer.se(betaOffset);
}

function writeModifications(writer: BitWriter, list: readonly ListModification[] | undefined): void {
  writer.flag(list !== undefined);
  if (list === undefined) return;
  for (const { idc, absDiffPicNumMinus1 } of list) {
    writer.ue(idc);
    writer.ue(absDiffPicNumMinus1);
  }
  writer.ue(3);
}

function writeMarking(writer: BitWriter, { isIdr, noOutputOfPriorPics, unmarkings }: SliceHeader): void {
  if (isIdr) {
    writer.flag(noOutputOfPriorPics);
    writer.flag(false);
    return;
  }
  writer.flag(unmarkings !== undefined);
  if (unmarkings === undefined) return;
  for (const { differenceOfPicNumsMinus1 } of unmarkings) {
    writer.ue(1);
    writer.ue(differenceOfPicNumsMinus1);
  }
  writer.ue(0);
}
