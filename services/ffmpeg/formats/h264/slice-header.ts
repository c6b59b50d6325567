import { unescaped } from "../nal/bits.ts";
import { BitReader } from "./bit-reader.ts";
import type { PictureParameterSet } from "./picture-parameter-set.ts";
import { H264Refusal } from "./refusal.ts";
import type { SequenceParameterSet } from "./sequence-parameter-set.ts";

/** Slice headers of frames: ITU-T H.264, section 7.3.3. Names are the standard's. */

export type SliceType = "P" | "B" | "I";

/** modification_of_pic_nums_idc 0 (subtract) or 1 (add), and abs_diff_pic_num_minus1. Table 7-7. */
export type ListModification = { idc: 0 | 1; absDiffPicNumMinus1: number };

/** memory_management_control_operation 1: difference_of_pic_nums_minus1. Table 7-9. */
export type Unmarking = { differenceOfPicNumsMinus1: number };

export type SliceHeader = {
  nalRefIdc: number;
  isIdr: boolean;
  firstMb: number;
  /** slice_type as coded, 0 to 9. */
  typeCode: number;
  type: SliceType;
  pictureSetId: number;
  frameNum: number;
  idrPicId: number;
  picOrderCntLsb: number;
  deltaPicOrderCntBottom: number;
  directSpatialMvPred: boolean;
  /** Number of active entries in RefPicList0 and RefPicList1. */
  active: readonly [number, number];
  /** Undefined: ref_pic_list_modification_flag is 0. */
  modifications: readonly [readonly ListModification[] | undefined, readonly ListModification[] | undefined];
  /** pred_weight_table: bits of the RBSP. */
  weights: { from: number; to: number } | undefined;
  noOutputOfPriorPics: boolean;
  /** Undefined: adaptive_ref_pic_marking_mode_flag is 0, a sliding window. */
  unmarkings: readonly Unmarking[] | undefined;
  cabacInitIdc: number;
  sliceQpDelta: number;
  deblocking: { disableIdc: number; alphaOffset: number; betaOffset: number } | undefined;
  /** Bits of the header, in the RBSP behind the unit's first byte. */
  bits: number;
};

export type ParameterSets = {
  sequence: SequenceParameterSet;
  pictures: ReadonlyMap<number, PictureParameterSet>;
};

/** A longer header has hundreds of reference list commands and weights. */
const MAX_HEADER_BYTES = 2_048;

const SLICE_TYPES = ["P", "B", "I", "SP", "SI"] as const;
const MAX_MACROBLOCKS = 139_264;
const MAX_ACTIVE_REFERENCES = 32;
const MAX_COMMANDS = 66;
const IDR = 5;

/** Entries of lists that a slice of the type has. */
export const listsOf = (type: SliceType): number => ({ I: 0, P: 1, B: 2 })[type];

/** Parses a NAL unit of type 1 or 5. Throws `H264Refusal`. */
export function parseSliceHeader(unit: Buffer, { sequence, pictures }: ParameterSets): SliceHeader {
  const reader = new BitReader(unescaped(unit.subarray(1, MAX_HEADER_BYTES)));
  const nalRefIdc = (unit[0]! >> 5) & 3;
  const isIdr = (unit[0]! & 31) === IDR;
  const firstMb = reader.ue(MAX_MACROBLOCKS);
  const typeCode = reader.ue(9);
  const type = SLICE_TYPES[typeCode % 5]!;
  if (type === "SP" || type === "SI") throw new H264Refusal("switching slices", `slice_type is ${typeCode}`);
  const pictureSetId = reader.ue(255);
  const set = pictures.get(pictureSetId);
  if (set === undefined) throw new H264Refusal("malformed", `there is no picture parameter set ${pictureSetId}`);
  const frameNum = reader.u(Math.log2(sequence.maxFrameNum));
  const idrPicId = isIdr ? reader.ue(65_535) : 0;
  const hasLsb = sequence.picOrderCntType === 0;
  const picOrderCntLsb = hasLsb ? reader.u(Math.log2(sequence.maxPicOrderCntLsb)) : 0;
  const deltaPicOrderCntBottom = hasLsb && set.hasBottomFieldOrder ? reader.se() : 0;
  if (set.hasRedundantPicCnt && reader.ue(127) > 0)
    throw new H264Refusal("redundant pictures", "redundant_pic_cnt isn't 0");
  const directSpatialMvPred = type === "B" && reader.flag();
  const active = readActive(reader, type, set);
  const modifications = readModifications(reader, type, sequence.maxFrameNum);
  const weightsAt = reader.position;
  const hasWeights = type === "P" ? set.weightedPred : type === "B" && set.weightedBipredIdc === 1;
  if (hasWeights) skipWeights(reader, active);
  const weights = hasWeights ? { from: weightsAt, to: reader.position } : undefined;
  const marking = nalRefIdc > 0 ? readMarking(reader, isIdr) : { noOutputOfPriorPics: false, unmarkings: undefined };
  const cabacInitIdc = set.isCabac && type !== "I" ? reader.ue(2) : 0;
  const sliceQpDelta = reader.se();
  const deblocking = set.hasDeblockingControl ? readDeblocking(reader) : undefined;
  if (isIdr && (nalRefIdc === 0 || type !== "I")) throw new H264Refusal("malformed", "an IDR picture isn't one");
  return {
    ...{ nalRefIdc, isIdr, firstMb, typeCode, type, pictureSetId, frameNum, idrPicId },
    ...{ picOrderCntLsb, deltaPicOrderCntBottom, directSpatialMvPred, active, modifications, weights, ...marking },
    ...{ cabacInitIdc, sliceQpDelta, deblocking, bits: reader.position },
  };
}

function readActive(reader: BitReader, type: SliceType, { defaultActive }: PictureParameterSet): [number, number] {
  const lists = listsOf(type);
  const active: [number, number] = [lists > 0 ? defaultActive[0] : 0, lists > 1 ? defaultActive[1] : 0];
  if (lists === 0 || !reader.flag()) return active;
  for (let list = 0; list < lists; list += 1) active[list] = reader.ue(MAX_ACTIVE_REFERENCES - 1) + 1;
  return active;
}

/** Section 7.3.3.1. */
function readModifications(reader: BitReader, type: SliceType, maxPicNum: number): SliceHeader["modifications"] {
  const read = (): ListModification[] | undefined => {
    if (!reader.flag()) return undefined;
    const list: ListModification[] = [];
    for (let idc = reader.ue(3); idc !== 3; idc = reader.ue(3)) {
      if (idc === 2) throw new H264Refusal("long-term references", "a list modification names a long-term picture");
      list.push({ idc: idc === 0 ? 0 : 1, absDiffPicNumMinus1: reader.ue(maxPicNum - 1) });
      if (list.length > MAX_COMMANDS) throw new H264Refusal("limit", "a slice has too many list modifications");
    }
    return list;
  };
  const lists = listsOf(type);
  return [lists > 0 ? read() : undefined, lists > 1 ? read() : undefined];
}

/** Section 7.3.3.2, with chroma. */
function skipWeights(reader: BitReader, active: readonly [number, number]): void {
  reader.ue(7);
  reader.ue(7);
  for (const entries of active)
    for (let entry = 0; entry < entries; entry += 1) {
      if (reader.flag()) for (let field = 0; field < 2; field += 1) reader.se();
      if (reader.flag()) for (let field = 0; field < 4; field += 1) reader.se();
    }
}

/** Section 7.3.3.3. */
function readMarking(reader: BitReader, isIdr: boolean): Pick<SliceHeader, "noOutputOfPriorPics" | "unmarkings"> {
  if (isIdr) {
    const noOutputOfPriorPics = reader.flag();
    if (reader.flag()) throw new H264Refusal("long-term references", "long_term_reference_flag is 1");
    return { noOutputOfPriorPics, unmarkings: undefined };
  }
  if (!reader.flag()) return { noOutputOfPriorPics: false, unmarkings: undefined };
  const unmarkings: Unmarking[] = [];
  for (let operation = reader.ue(6); operation !== 0; operation = reader.ue(6)) {
    if (operation === 5) throw new H264Refusal("memory management reset", "operation 5 unmarks all pictures");
    // Operation 4 limits the number of long-term pictures: 0, as without it.
    if (operation === 4 && reader.ue() === 0) continue;
    if (operation !== 1) throw new H264Refusal("long-term references", `memory management operation ${operation}`);
    unmarkings.push({ differenceOfPicNumsMinus1: reader.ue() });
    if (unmarkings.length > MAX_COMMANDS) throw new H264Refusal("limit", "a slice has too many marking operations");
  }
  return { noOutputOfPriorPics: false, unmarkings };
}

function readDeblocking(reader: BitReader): SliceHeader["deblocking"] {
  const disableIdc = reader.ue(2);
  if (disableIdc === 1) return { disableIdc, alphaOffset: 0, betaOffset: 0 };
  return { disableIdc, alphaOffset: reader.se(), betaOffset: reader.se() };
}
