import { unreadable } from "../../process/errors.ts";
import { bitsOf } from "../nal/bits.ts";

/**
 * The fields of an AV1 sequence header that a decoder configuration repeats. AV1 bitstream
 * specification, section 5.5.
 */
export type SequenceHeader = {
  profile: number;
  level: number;
  tier: number;
  isHighDepth: boolean;
  isTwelveBit: boolean;
  isMonochrome: boolean;
  subsampling: [x: number, y: number];
  chromaPosition: number;
};

/** Reads bit fields in sequence. */
function fieldsOf(bytes: Buffer) {
  const bits = bitsOf(bytes);
  let at = 0;
  const field = (length: number): number => {
    if (at + length > bits.length) throw unreadable("an AV1 sequence header is incomplete");
    at += length;
    return length === 0 ? 0 : Number.parseInt(bits.slice(at - length, at), 2);
  };
  const skip = (length: number): void => void field(length);
  const flag = (): boolean => field(1) === 1;
  /** Skips a uvlc() code. Section 4.10.3. */
  const skipVariable = (): void => {
    let zeros = 0;
    while (!flag()) zeros += 1;
    skip(zeros);
  };
  return { field, flag, skip, skipVariable };
}

type Fields = ReturnType<typeof fieldsOf>;

/** Level and tier of the first operating point, behind timing_info and decoder_model_info. */
function levelOf({ field, flag, skip, skipVariable }: Fields): { level: number; tier: number } {
  let delayBits = 0;
  if (flag()) {
    skip(64);
    if (flag()) skipVariable();
    if (flag()) {
      delayBits = field(5) + 1;
      skip(32 + 5 + 5);
    }
  }
  const hasDisplayDelay = flag();
  const points = Array.from({ length: field(5) + 1 }, () => {
    skip(12);
    const level = field(5);
    const tier = level > 7 ? field(1) : 0;
    if (delayBits > 0 && flag()) skip(2 * delayBits + 1);
    if (hasDisplayDelay && flag()) skip(4);
    return { level, tier };
  });
  return points[0]!;
}

function skipTools({ field, flag, skip }: Fields, isReduced: boolean): void {
  const [widthBits, heightBits] = [field(4) + 1, field(4) + 1];
  skip(widthBits + heightBits);
  if (!isReduced && flag()) skip(4 + 3);
  skip(3);
  if (!isReduced) {
    skip(4);
    const hasOrder = flag();
    if (hasOrder) skip(2);
    const forcesScreenTools = flag() || flag();
    if (forcesScreenTools && !flag()) skip(1);
    if (hasOrder) skip(3);
  }
  // enable_superres, enable_cdef and enable_restoration.
  skip(3);
}

const UNSPECIFIED = [2, 2, 2] as const;
/** Primaries, transfer and matrix of RGB: BT.709, sRGB, identity. */
const isRgb = ([primaries, transfer, matrix]: readonly number[]): boolean =>
  primaries === 1 && transfer === 13 && matrix === 0;

function coloursOf({ field, flag, skip }: Fields, profile: number) {
  const isHighDepth = flag();
  const isTwelveBit = profile === 2 && isHighDepth && flag();
  const isMonochrome = profile !== 1 && flag();
  const description = flag() ? [field(8), field(8), field(8)] : UNSPECIFIED;
  const depth = { isHighDepth, isTwelveBit, isMonochrome };
  const colours = (x: number, y: number, chromaPosition = 0) => ({
    ...depth,
    subsampling: [x, y] as [number, number],
    chromaPosition,
  });
  if (!isMonochrome && isRgb(description)) return colours(0, 0);
  skip(1);
  if (isMonochrome) return colours(1, 1);
  if (profile === 1) return colours(0, 0);
  const x = profile === 0 || !isTwelveBit ? 1 : field(1);
  const y = profile === 0 ? 1 : isTwelveBit && x === 1 ? field(1) : 0;
  return colours(x, y, x === 1 && y === 1 ? field(2) : 0);
}

/**
 * Reads a sequence header. `payload`: of its OBU, without the OBU header. Throws `CutFailedError`
 * (UnreadableMedia) when it's incomplete.
 */
export function readSequenceHeader(payload: Buffer): SequenceHeader {
  const fields = fieldsOf(payload);
  const profile = fields.field(3);
  fields.skip(1);
  const isReduced = fields.flag();
  const { level, tier } = isReduced ? { level: fields.field(5), tier: 0 } : levelOf(fields);
  skipTools(fields, isReduced);
  return { profile, level, tier, ...coloursOf(fields, profile) };
}

/**
 * The body of an av1C box, which is also Matroska's CodecPrivate. `unit`: the sequence header OBU.
 * AV1 in ISO BMFF, section 2.3.
 */
export function av1Configuration(header: SequenceHeader, unit: Buffer): Buffer {
  const { profile, level, tier, isHighDepth, isTwelveBit, isMonochrome, subsampling, chromaPosition } = header;
  const flags = [tier === 1, isHighDepth, isTwelveBit, isMonochrome, subsampling[0] === 1, subsampling[1] === 1];
  const bits = flags.reduce((sum, isSet) => sum * 2 + (isSet ? 1 : 0), 0);
  return Buffer.concat([Buffer.from([0x81, (profile << 5) | level, (bits << 2) | chromaPosition, 0]), unit]);
}
