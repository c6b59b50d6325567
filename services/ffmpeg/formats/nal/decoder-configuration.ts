import { unreadable } from "../../process/errors.ts";

/**
 * Decoder configuration records of MP4: avcC and hvcC, with the parameter sets that a decoder needs
 * before the first picture. ISO/IEC 14496-15, sections 5.3.3 and 8.3.3.
 */

/**
 * Whether NAL unit lengths have 4 bytes; other lengths are rare. The field is lengthSizeMinusOne.
 */
export const usesFourByteLengths = (configuration: Buffer, codec: "h264" | "hevc"): boolean =>
  ((configuration[codec === "h264" ? 4 : 21] ?? 0) & 3) === 3;

type ParsedSets = { sets: Buffer[]; end: number };

const TOO_SHORT = "the decoder's configuration ends before its parameter sets do";

const byteAt = (bytes: Buffer, at: number): number => {
  const byte = bytes[at];
  if (byte === undefined) throw unreadable(TOO_SHORT);
  return byte;
};

const wordAt = (bytes: Buffer, at: number): number => byteAt(bytes, at) * 256 + byteAt(bytes, at + 1);

function readSets(bytes: Buffer, start: number, count: number): ParsedSets {
  const sets: Buffer[] = [];
  let at = start;
  for (let set = 0; set < count; set += 1) {
    const end = at + 2 + wordAt(bytes, at);
    if (end > bytes.length) throw unreadable(TOO_SHORT);
    sets.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return { sets, end: at };
}

/**
 * The parameter sets of an avcC, and the fields behind them: chroma format and bit depth of the
 * High profiles.
 */
function readAvcConfiguration(configuration: Buffer) {
  const sequence = readSets(configuration, 6, byteAt(configuration, 5) & 0x1f);
  const picture = readSets(configuration, sequence.end + 1, byteAt(configuration, sequence.end));
  return { sequence: sequence.sets, picture: picture.sets, rest: configuration.subarray(picture.end) };
}

const withLength = (set: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(set.length);
  return Buffer.concat([length, set]);
};

/** Their counts have 5 and 8 bits. */
const MAX_SEQUENCE_SETS = 31;
const MAX_PICTURE_SETS = 255;

/**
 * An avcC with the parameter sets of copied (`source`) and encoded pictures (`encoded`), whose ids
 * must differ. Fields behind the sets are the same in both. Throws `CutFailedError`
 * (UnreadableMedia) for too many sets, and for an incomplete avcC.
 */
export function mergedAvcConfiguration(source: Buffer, encoded: Buffer): Buffer {
  const [one, other] = [readAvcConfiguration(source), readAvcConfiguration(encoded)];
  return withAvcSets(source, [...one.sequence, ...other.sequence], [...one.picture, ...other.picture]);
}

/**
 * An avcC with other parameter sets: SPS (`sequence`) and PPS (`picture`). Throws `CutFailedError`
 * (UnreadableMedia) for too many sets, and for an incomplete avcC.
 */
export function withAvcSets(source: Buffer, sequence: readonly Buffer[], picture: readonly Buffer[]): Buffer {
  if (sequence.length > MAX_SEQUENCE_SETS || picture.length > MAX_PICTURE_SETS)
    throw unreadable("too many parameter sets for one avcC");
  return Buffer.concat([
    source.subarray(0, 5),
    Buffer.from([0xe0 | sequence.length]),
    ...sequence.map(withLength),
    Buffer.from([picture.length]),
    ...picture.map(withLength),
    readAvcConfiguration(source).rest,
  ]);
}

/** NAL units of one type in an hvcC: parameter sets or SEI messages. */
export type HevcArray = { type: number; isComplete: boolean; sets: Buffer[] };

const HEVC_HEAD_BYTES = 22;
const IS_COMPLETE = 0x80;
const TYPE_BITS = 0x3f;

export function hevcArrays(configuration: Buffer): HevcArray[] {
  const arrays: HevcArray[] = [];
  let at = HEVC_HEAD_BYTES + 1;
  for (let left = byteAt(configuration, HEVC_HEAD_BYTES); left > 0; left -= 1) {
    const first = byteAt(configuration, at);
    const read = readSets(configuration, at + 3, wordAt(configuration, at + 1));
    arrays.push({ type: first & TYPE_BITS, isComplete: (first & IS_COMPLETE) !== 0, sets: read.sets });
    at = read.end;
  }
  return arrays;
}

/** An hvcC with these arrays and the other fields of `configuration`. */
export function hevcConfiguration(configuration: Buffer, arrays: readonly HevcArray[]): Buffer {
  const bodies = arrays.flatMap(({ type, isComplete, sets }) => {
    const header = Buffer.alloc(3);
    header[0] = type | (isComplete ? IS_COMPLETE : 0);
    header.writeUInt16BE(sets.length, 1);
    return [header, ...sets.map(withLength)];
  });
  return Buffer.concat([configuration.subarray(0, HEVC_HEAD_BYTES), Buffer.from([arrays.length]), ...bodies]);
}

/**
 * The parameter sets of an hvcC (video, sequence, picture), as they precede a keyframe in a stream.
 */
export const hevcParameterSets = (configuration: Buffer): Buffer[] =>
  hevcArrays(configuration).flatMap(({ sets }) => sets);

/** The parameter sets of an avcC (sequence, picture), as they precede a keyframe in a stream. */
export function avcParameterSets(configuration: Buffer): Buffer[] {
  const { sequence, picture } = readAvcConfiguration(configuration);
  return [...sequence, ...picture];
}

/** The configuration without parameter sets, for a stream that contains them. */
export function withoutSets(configuration: Buffer, codec: "h264" | "hevc"): Buffer {
  byteAt(configuration, 4);
  if (codec === "h264") return Buffer.concat([configuration.subarray(0, 5), Buffer.from([0xe0, 0])]);
  byteAt(configuration, 22);
  return Buffer.concat([configuration.subarray(0, 22), Buffer.from([0])]);
}
