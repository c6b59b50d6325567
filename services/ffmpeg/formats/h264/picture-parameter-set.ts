import { escaped, unescaped } from "../nal/bits.ts";
import { BitReader, contentBits } from "./bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";
import { H264Refusal } from "./refusal.ts";
import { skipScalingLists, writeFlatLists } from "./scaling-lists.ts";

/** Picture parameter sets: ITU-T H.264, section 7.3.2.2. Names are the standard's. */
export type PictureParameterSet = {
  id: number;
  sequenceId: number;
  /** entropy_coding_mode_flag. */
  isCabac: boolean;
  /** bottom_field_pic_order_in_frame_present_flag. */
  hasBottomFieldOrder: boolean;
  /** num_ref_idx_l0_default_active_minus1 + 1, and of l1. */
  defaultActive: readonly [number, number];
  weightedPred: boolean;
  weightedBipredIdc: number;
  picInitQpMinus26: number;
  picInitQsMinus26: number;
  chromaQpIndexOffset: number;
  hasDeblockingControl: boolean;
  constrainedIntraPred: boolean;
  hasRedundantPicCnt: boolean;
  transform8x8Mode: boolean;
  hasScalingMatrix: boolean;
  secondChromaQpIndexOffset: number;
};

const MAX_PICTURE_SET_ID = 255;
const MAX_ACTIVE_REFERENCES = 32;

/** Parses a NAL unit of type 8 of a stream whose chroma format is 4:2:0 or 4:2:2. Throws `H264Refusal`. */
export function parsePictureParameterSet(unit: Buffer): PictureParameterSet {
  const rbsp = unescaped(unit.subarray(1));
  const reader = new BitReader(rbsp);
  const id = reader.ue(MAX_PICTURE_SET_ID);
  const sequenceId = reader.ue(31);
  const isCabac = reader.flag();
  const hasBottomFieldOrder = reader.flag();
  if (reader.ue() > 0) throw new H264Refusal("slice groups", "num_slice_groups_minus1 isn't 0");
  const active = () => reader.ue(MAX_ACTIVE_REFERENCES - 1) + 1;
  const defaultActive = [active(), active()] as const;
  const [weightedPred, weightedBipredIdc] = [reader.flag(), reader.u(2)];
  const [picInitQpMinus26, picInitQsMinus26, chromaQpIndexOffset] = [reader.se(), reader.se(), reader.se()];
  const [hasDeblockingControl, constrainedIntraPred, hasRedundantPicCnt] = [
    reader.flag(),
    reader.flag(),
    reader.flag(),
  ];
  const extension = {
    transform8x8Mode: false,
    hasScalingMatrix: false,
    secondChromaQpIndexOffset: chromaQpIndexOffset,
  };
  // more_rbsp_data()
  if (reader.position < contentBits(rbsp)) {
    extension.transform8x8Mode = reader.flag();
    extension.hasScalingMatrix = reader.flag();
    if (extension.hasScalingMatrix) skipScalingLists(reader, 6 + (extension.transform8x8Mode ? 2 : 0));
    extension.secondChromaQpIndexOffset = reader.se();
  }
  return {
    ...{ id, sequenceId, isCabac, hasBottomFieldOrder, defaultActive, weightedPred, weightedBipredIdc },
    ...{ picInitQpMinus26, picInitQsMinus26, chromaQpIndexOffset },
    ...{ hasDeblockingControl, constrainedIntraPred, hasRedundantPicCnt, ...extension },
  };
}

/**
 * A NAL unit of type 8. `isFlat`: with flat scaling lists, whatever the sequence parameter set has;
 * otherwise without any. Streams of profiles below High may not have scaling lists nor transform8x8Mode.
 */
export function writePictureParameterSet(set: PictureParameterSet, isFlat: boolean): Buffer {
  const writer = new BitWriter();
  writer.ue(set.id);
  writer.ue(set.sequenceId);
  writer.flag(set.isCabac);
  writer.flag(set.hasBottomFieldOrder);
  writer.ue(0);
  for (const active of set.defaultActive) writer.ue(active - 1);
  writer.flag(set.weightedPred);
  writer.u(2, set.weightedBipredIdc);
  writer.se(set.picInitQpMinus26);
  writer.se(set.picInitQsMinus26);
  writer.se(set.chromaQpIndexOffset);
  writer.flag(set.hasDeblockingControl);
  writer.flag(set.constrainedIntraPred);
  writer.flag(set.hasRedundantPicCnt);
  if (isFlat || set.transform8x8Mode || set.secondChromaQpIndexOffset !== set.chromaQpIndexOffset) {
    writer.flag(set.transform8x8Mode);
    writer.flag(isFlat);
    if (isFlat) writeFlatLists(writer, 6 + (set.transform8x8Mode ? 2 : 0));
    writer.se(set.secondChromaQpIndexOffset);
  }
  writer.trailing();
  return Buffer.concat([Buffer.from([0x68]), escaped(writer.bytes())]);
}
