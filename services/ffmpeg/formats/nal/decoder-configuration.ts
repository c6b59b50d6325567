import { unreadable } from "../../process/errors.ts";

/**
 * The parameters that decoders need before the first picture, as MP4 keeps them: avcC and hvcC.
 * ISO/IEC 14496-15, sections 5.3.3 and 8.3.3.
 */

/** Both length fields take 2 bits and mean one more; other lengths than 4 bytes are rare. */
export const usesFourByteLengths = (configuration: Buffer, codec: "h264" | "hevc"): boolean =>
  ((configuration[codec === "h264" ? 4 : 21] ?? 0) & 3) === 3;

type Reading = { sets: Buffer[]; end: number };

const TOO_SHORT = "the decoder's configuration ends before its parameter sets do";

const byteAt = (bytes: Buffer, at: number): number => {
  const byte = bytes[at];
  if (byte === undefined) throw unreadable(TOO_SHORT);
  return byte;
};

const wordAt = (bytes: Buffer, at: number): number => byteAt(bytes, at) * 256 + byteAt(bytes, at + 1);

function readSets(bytes: Buffer, start: number, count: number): Reading {
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

/** The sets of an avcC, and what follows them: chroma and depth of the high profiles. */
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

/** Their numbers take 5 and 8 bits. */
const MAX_SEQUENCE_SETS = 31;
const MAX_PICTURE_SETS = 255;

/**
 * One avcC with the sets of both: of the copied pictures and of the encoded ones, whose ids differ.
 * What follows the sets is the first one's, and the second's is the same. Throws `CutFailedError`
 * (UnreadableMedia) where there are too many sets for one, or a configuration is cut off.
 */
export function mergedAvcConfiguration(source: Buffer, encoded: Buffer): Buffer {
  const [one, other] = [readAvcConfiguration(source), readAvcConfiguration(encoded)];
  const sequence = [...one.sequence, ...other.sequence];
  const picture = [...one.picture, ...other.picture];
  if (sequence.length > MAX_SEQUENCE_SETS || picture.length > MAX_PICTURE_SETS)
    throw unreadable("too many parameter sets for one avcC");
  return Buffer.concat([
    source.subarray(0, 5),
    Buffer.from([0xe0 | sequence.length]),
    ...sequence.map(withLength),
    Buffer.from([picture.length]),
    ...picture.map(withLength),
    one.rest,
  ]);
}

/** Units of one type in an hvcC: parameter sets, or messages. */
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

/** An hvcC of these arrays; all else is that of another one. */
export function hevcConfiguration(configuration: Buffer, arrays: readonly HevcArray[]): Buffer {
  const bodies = arrays.flatMap(({ type, isComplete, sets }) => {
    const header = Buffer.alloc(3);
    header[0] = type | (isComplete ? IS_COMPLETE : 0);
    header.writeUInt16BE(sets.length, 1);
    return [header, ...sets.map(withLength)];
  });
  return Buffer.concat([configuration.subarray(0, HEVC_HEAD_BYTES), Buffer.from([arrays.length]), ...bodies]);
}

/** The sets of an hvcC (video, sequence, picture), to stand in the stream before a keyframe. */
export const hevcParameterSets = (configuration: Buffer): Buffer[] =>
  hevcArrays(configuration).flatMap(({ sets }) => sets);

/** The sets of an avcC, sequence then picture, to stand in the stream before a keyframe. */
export function avcParameterSets(configuration: Buffer): Buffer[] {
  const { sequence, picture } = readAvcConfiguration(configuration);
  return [...sequence, ...picture];
}

/** The configuration with no sets in it: they're all in the stream. */
export function withoutSets(configuration: Buffer, codec: "h264" | "hevc"): Buffer {
  byteAt(configuration, 4);
  if (codec === "h264") return Buffer.concat([configuration.subarray(0, 5), Buffer.from([0xe0, 0])]);
  byteAt(configuration, 22);
  return Buffer.concat([configuration.subarray(0, 22), Buffer.from([0])]);
}
