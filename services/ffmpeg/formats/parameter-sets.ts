import { unreadable } from "../process/errors.ts";

/**
 * The parameters that decoders need before the first picture, as MP4 keeps them: avcC and hvcC. ISO/IEC 14496-15,
 * sections 5.3.3 and 8.3.3.
 */

/** Both length fields take 2 bits and mean one more; other lengths than 4 bytes are rare. */
export const usesFourByteLengths = (configuration: Buffer, codec: "h264" | "hevc"): boolean =>
  ((configuration[codec === "h264" ? 4 : 21] ?? 0) & 3) === 3;

type Reading = { sets: Buffer[]; end: number };

function readSets(bytes: Buffer, start: number, count: number): Reading {
  const sets: Buffer[] = [];
  let at = start;
  for (let set = 0; set < count; set += 1) {
    const length = bytes.readUInt16BE(at);
    sets.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { sets, end: at };
}

const withLength = (set: Buffer): Buffer => {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(set.length);
  return Buffer.concat([length, set]);
};

const MOST_SEQUENCE_SETS = 31;

/**
 * One avcC with the sets of both: of the copied pictures and of the encoded ones, whose ids differ. What follows the
 * sets (chroma and depth of the high profiles) is the first one's, and the second's is the same.
 */
export function mergedAvcConfiguration(source: Buffer, encoded: Buffer): Buffer {
  const parts = (configuration: Buffer) => {
    const sequence = readSets(configuration, 6, configuration[5]! & 0x1f);
    const picture = readSets(configuration, sequence.end + 1, configuration[sequence.end]!);
    return { sequence: sequence.sets, picture: picture.sets, rest: configuration.subarray(picture.end) };
  };
  const [one, other] = [parts(source), parts(encoded)];
  const sequence = [...one.sequence, ...other.sequence];
  const picture = [...one.picture, ...other.picture];
  if (sequence.length > MOST_SEQUENCE_SETS) throw unreadable("too many parameter sets for one avcC");
  return Buffer.concat([
    source.subarray(0, 5),
    Buffer.from([0xe0 | sequence.length]),
    ...sequence.map(withLength),
    Buffer.from([picture.length]),
    ...picture.map(withLength),
    one.rest,
  ]);
}

/** The sets of an hvcC (video, sequence, picture), to stand in the stream before a keyframe. */
export function hevcParameterSets(configuration: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = 23;
  for (let array = configuration[22] ?? 0; array > 0; array -= 1) {
    const read = readSets(configuration, at + 3, configuration.readUInt16BE(at + 1));
    sets.push(...read.sets);
    at = read.end;
  }
  return sets;
}

/** The sets of an avcC, sequence then picture, to stand in the stream before a keyframe. */
export function avcParameterSets(configuration: Buffer): Buffer[] {
  const sequence = readSets(configuration, 6, configuration[5]! & 0x1f);
  const picture = readSets(configuration, sequence.end + 1, configuration[sequence.end]!);
  return [...sequence.sets, ...picture.sets];
}

/** The configuration with no sets in it: they're all in the stream. */
export function withoutSets(configuration: Buffer, codec: "h264" | "hevc"): Buffer {
  if (codec === "h264") return Buffer.concat([configuration.subarray(0, 5), Buffer.from([0xe0, 0])]);
  const bare = Buffer.from(configuration.subarray(0, 23));
  bare[22] = 0;
  return bare;
}
