import { escaped, unescaped } from "../nal/bits.ts";
import { BitReader, contentBits } from "./bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";
import { H264Refusal } from "./refusal.ts";
import { skipScalingLists } from "./scaling-lists.ts";

/** Sequence parameter sets: ITU-T H.264, sections 7.3.2.1.1 and E.1.1. Names are the standard's. */
export type SequenceParameterSet = {
  id: number;
  profileIdc: number;
  levelIdc: number;
  /** 1: 4:2:0, 2: 4:2:2. */
  chromaFormatIdc: number;
  /** Bits of luma and chroma samples. */
  bitDepth: number;
  hasScalingMatrix: boolean;
  /** MaxFrameNum, equation 7-10. */
  maxFrameNum: number;
  picOrderCntType: 0 | 2;
  /** MaxPicOrderCntLsb, equation 7-11; 1 where the type is 2. */
  maxPicOrderCntLsb: number;
  maxNumRefFrames: number;
  /** Size as coded, in pixels: whole macroblocks. */
  codedWidth: number;
  codedHeight: number;
  /** Pixels that aren't displayed. */
  crop: { left: number; right: number; top: number; bottom: number };
  /** bitstream_restriction of the VUI; undefined where absent. */
  restriction: { maxNumReorderFrames: number; maxDecFrameBuffering: number } | undefined;
  /** Where the VUI begins (vui_parameters_present_flag), and its bitstream_restriction_flag: bits. */
  vuiAt: number;
  restrictionAt: number | undefined;
};

/** Profiles with chroma_format_idc and the fields behind it. */
const HIGH_PROFILES = [100, 110, 122];

/** Baseline, Main and High, High 10, High 4:2:2. Section A.2. */
const KNOWN_PROFILES = [66, 77, ...HIGH_PROFILES];

const EXTENDED_SAR = 255;
const MAX_CPB_COUNT = 31;

/** Bounds of fields that are only read over. */
const MAX_MACROBLOCKS_A_SIDE = 1_055;
const MAX_REFERENCES = 16;

export const isHighProfile = ({ profileIdc }: Pick<SequenceParameterSet, "profileIdc">): boolean =>
  HIGH_PROFILES.includes(profileIdc);

/** Parses a NAL unit of type 7. Throws `H264Refusal`. */
export function parseSequenceParameterSet(unit: Buffer): SequenceParameterSet {
  const reader = new BitReader(unescaped(unit.subarray(1)));
  const profileIdc = reader.u(8);
  reader.u(8);
  const levelIdc = reader.u(8);
  if (!KNOWN_PROFILES.includes(profileIdc)) throw new H264Refusal("profile", `profile_idc is ${profileIdc}`);
  const id = reader.ue(31);
  const format = { chromaFormatIdc: 1, bitDepth: 8, hasScalingMatrix: false };
  if (isHighProfile({ profileIdc })) readFormat(reader, format);
  const maxFrameNum = 2 ** (reader.ue(12) + 4);
  const picOrderCntType = reader.ue(2);
  if (picOrderCntType === 1) throw new H264Refusal("picture order count type", "pic_order_cnt_type is 1");
  const maxPicOrderCntLsb = picOrderCntType === 0 ? 2 ** (reader.ue(12) + 4) : 1;
  const maxNumRefFrames = reader.ue(MAX_REFERENCES);
  reader.flag();
  const codedWidth = (reader.ue(MAX_MACROBLOCKS_A_SIDE) + 1) * 16;
  const codedHeight = (reader.ue(MAX_MACROBLOCKS_A_SIDE) + 1) * 16;
  if (!reader.flag()) throw new H264Refusal("interlaced", "frame_mbs_only_flag is 0");
  reader.flag();
  const { chromaFormatIdc } = format;
  const crop = readCrop(reader, chromaFormatIdc);
  if (crop.left + crop.right >= codedWidth || crop.top + crop.bottom >= codedHeight)
    throw new H264Refusal("malformed", "the whole picture is cropped");
  const vuiAt = reader.position;
  const vui = reader.flag() ? readVui(reader) : { restriction: undefined, restrictionAt: undefined };
  return {
    ...{ id, profileIdc, levelIdc, ...format, maxFrameNum, maxPicOrderCntLsb, maxNumRefFrames },
    ...{ picOrderCntType: picOrderCntType === 0 ? 0 : 2, codedWidth, codedHeight, crop, vuiAt, ...vui },
  };
}

function readFormat(
  reader: BitReader,
  format: { chromaFormatIdc: number; bitDepth: number; hasScalingMatrix: boolean },
): void {
  format.chromaFormatIdc = reader.ue(3);
  if (format.chromaFormatIdc !== 1 && format.chromaFormatIdc !== 2)
    throw new H264Refusal("profile", `chroma_format_idc is ${format.chromaFormatIdc}`);
  format.bitDepth = reader.ue(6) + 8;
  const chromaDepth = reader.ue(6) + 8;
  if (chromaDepth !== format.bitDepth || (format.bitDepth !== 8 && format.bitDepth !== 10))
    throw new H264Refusal("profile", `samples have ${format.bitDepth} and ${chromaDepth} bits`);
  if (reader.flag()) throw new H264Refusal("profile", "qpprime_y_zero_transform_bypass_flag is 1");
  format.hasScalingMatrix = reader.flag();
  if (format.hasScalingMatrix) skipScalingLists(reader, 8);
}

/** Section 7.4.2.1.1: CropUnitX is 2, CropUnitY is 2 for 4:2:0 and 1 for 4:2:2. */
function readCrop(reader: BitReader, chromaFormatIdc: number): SequenceParameterSet["crop"] {
  if (!reader.flag()) return { left: 0, right: 0, top: 0, bottom: 0 };
  const [x, y] = [2, chromaFormatIdc === 1 ? 2 : 1];
  const [left, right, top, bottom] = [reader.ue(), reader.ue(), reader.ue(), reader.ue()];
  return { left: left * x, right: right * x, top: top * y, bottom: bottom * y };
}

/** Section E.1.1, behind vui_parameters_present_flag. */
function readVui(reader: BitReader): Pick<SequenceParameterSet, "restriction" | "restrictionAt"> {
  if (reader.flag() && reader.u(8) === EXTENDED_SAR) reader.u(32);
  if (reader.flag()) reader.flag();
  if (reader.flag()) {
    reader.u(4);
    if (reader.flag()) reader.u(24);
  }
  if (reader.flag()) {
    reader.ue();
    reader.ue();
  }
  if (reader.flag()) {
    reader.u(32);
    reader.u(32);
    reader.flag();
  }
  const hasNalHrd = reader.flag();
  if (hasNalHrd) skipHrd(reader);
  const hasVclHrd = reader.flag();
  if (hasVclHrd) skipHrd(reader);
  if (hasNalHrd || hasVclHrd) reader.flag();
  reader.flag();
  const restrictionAt = reader.position;
  if (!reader.flag()) return { restriction: undefined, restrictionAt };
  reader.flag();
  for (let field = 0; field < 4; field += 1) reader.ue();
  const maxNumReorderFrames = reader.ue(MAX_REFERENCES);
  return { restriction: { maxNumReorderFrames, maxDecFrameBuffering: reader.ue(MAX_REFERENCES) }, restrictionAt };
}

/** Section E.1.2. */
function skipHrd(reader: BitReader): void {
  const count = reader.ue(MAX_CPB_COUNT) + 1;
  reader.u(8);
  for (let cpb = 0; cpb < count; cpb += 1) {
    reader.ue();
    reader.ue();
    reader.flag();
  }
  reader.u(20);
}

/** Values of bitstream_restriction that restrict nothing: section E.2.1. */
const NO_RESTRICTION = { bytesPerPicture: 0, bitsPerMacroblock: 0, log2MaxMvLength: 15 };

/**
 * The unit with a bitstream_restriction; unchanged where it has one. Decoders without it guess how
 * many pictures are reordered, and ffmpeg's then loses pictures.
 */
export function withRestriction(
  unit: Buffer,
  { vuiAt, restriction, restrictionAt }: SequenceParameterSet,
  { maxNumReorderFrames, maxDecFrameBuffering }: NonNullable<SequenceParameterSet["restriction"]>,
): Buffer {
  if (restriction !== undefined) return unit;
  const rbsp = unescaped(unit.subarray(1));
  if (contentBits(rbsp) < (restrictionAt ?? vuiAt) + 1)
    throw new H264Refusal("malformed", "a sequence parameter set has no stop bit");
  const writer = new BitWriter();
  writer.copy(rbsp, 0, restrictionAt ?? vuiAt);
  if (restrictionAt === undefined) {
    writer.flag(true);
    // aspect ratio, overscan, video signal type, chroma location, timing, two HRDs, pic_struct.
    writer.u(8, 0);
  }
  writer.flag(true);
  writer.flag(true);
  writer.ue(NO_RESTRICTION.bytesPerPicture);
  writer.ue(NO_RESTRICTION.bitsPerMacroblock);
  writer.ue(NO_RESTRICTION.log2MaxMvLength);
  writer.ue(NO_RESTRICTION.log2MaxMvLength);
  writer.ue(maxNumReorderFrames);
  writer.ue(maxDecFrameBuffering);
  writer.trailing();
  return Buffer.concat([unit.subarray(0, 1), escaped(writer.bytes())]);
}

/** MaxDpbMbs of each level. Table A-1; level_idc 9 and 11 with constraint_set3 are level 1b. */
const MAX_DPB_MACROBLOCKS: Readonly<Record<number, number>> = {
  ...{ 9: 396, 10: 396, 11: 900, 12: 2_376, 13: 2_376, 20: 2_376, 21: 4_752, 22: 8_100 },
  ...{ 30: 8_100, 31: 18_000, 32: 20_480, 40: 32_768, 41: 32_768, 42: 34_816 },
  ...{ 50: 110_400, 51: 184_320, 52: 184_320, 60: 696_320, 61: 696_320, 62: 696_320 },
};

/** MaxDpbFrames, section A.3.1: what max_dec_frame_buffering is inferred to be. */
export function maxDpbFrames({ levelIdc, codedWidth, codedHeight, maxNumRefFrames }: SequenceParameterSet): number {
  const macroblocks = (codedWidth / 16) * (codedHeight / 16);
  const frames = Math.floor((MAX_DPB_MACROBLOCKS[levelIdc] ?? 0) / macroblocks);
  return Math.min(MAX_REFERENCES, Math.max(frames, maxNumRefFrames, 1));
}
