import { unreadable } from "../../process/errors.ts";
import { bitsOf, bytesOf, type Code, escaped, golomb, golombAt, unescaped } from "./bits.ts";
import { type HevcArray, hevcArrays, hevcConfiguration } from "./decoder-configuration.ts";
import { lengthFramed, lengthPrefixed } from "./units.ts";

/**
 * Renumbers the parameter sets of an encoder, so that one hvcC can hold them together with the
 * source's. x265 has no option for their ids, and with the sample entry hvc1, samples contain no
 * parameter sets (ISO/IEC 14496-15, section 8.3.3.1.1). ITU-T H.265, sections 7.3.2 and 7.3.6.1.
 */

const VIDEO_SETS = 32;
const SEQUENCE_SETS = 33;
const PICTURE_SETS = 34;
const SET_TYPES = [VIDEO_SETS, SEQUENCE_SETS, PICTURE_SETS];

const UNIT_HEADER_BYTES = 2;
const LAST_SLICE_TYPE = 31;
const isRandomAccess = (type: number): boolean => type >= 16 && type <= 23;

/**
 * Ids of picture parameter sets. Each one takes 9 bits where 0 takes 1, so a slice header grows by
 * exactly one byte and isn't shifted by bits. None ends with zero bits, which might form a start
 * code.
 */
const PICTURE_IDS = [30, 29, 28, 26, 25, 24, 22, 21, 20, 18, 17, 16];
const OTHER_IDS = Array.from({ length: 16 }, (_, at) => 15 - at);

type Ids = { video: number; sequence: number; picture: number };

const payloadOf = (set: Buffer): string => bitsOf(unescaped(set.subarray(UNIT_HEADER_BYTES)));

const withPayload = (set: Buffer, bits: string): Buffer =>
  Buffer.concat([set.subarray(0, UNIT_HEADER_BYTES), escaped(bytesOf(bits))]);

/** The bits in front of rbsp_trailing_bits: a one, and zeros up to the byte. */
const content = (bits: string): string => bits.slice(0, bits.lastIndexOf("1"));

const videoIdOf = (bits: string): number => Number.parseInt(bits.slice(0, 4), 2);

/**
 * The sequence parameter set's id, behind the profile (88 bits) and the level of each temporal
 * layer. Section 7.3.3.
 */
function sequenceIdAt(bits: string): Code {
  const layers = Number.parseInt(bits.slice(4, 7), 2);
  let at = 8 + 88 + 8;
  const flags = bits.slice(at, at + 2 * layers);
  if (layers > 0) at += 16;
  for (let layer = 0; layer < layers; layer += 1)
    at += (flags[2 * layer] === "1" ? 88 : 0) + (flags[2 * layer + 1] === "1" ? 8 : 0);
  return golombAt(bits, at);
}

const setsOf = (arrays: readonly HevcArray[], type: number): Buffer[] =>
  arrays.filter((array) => array.type === type).flatMap(({ sets }) => sets);

function freeId(used: readonly number[], candidates: readonly number[]): number {
  const id = candidates.find((candidate) => !used.includes(candidate));
  if (id === undefined) throw unreadable("the source uses all parameter set ids");
  return id;
}

/** Ids that the source doesn't use. */
function freeIds(arrays: readonly HevcArray[]): Ids {
  const bits = (type: number) => setsOf(arrays, type).map(payloadOf);
  return {
    video: freeId(bits(VIDEO_SETS).map(videoIdOf), OTHER_IDS),
    sequence: freeId(
      bits(SEQUENCE_SETS).map((set) => sequenceIdAt(set).value),
      OTHER_IDS,
    ),
    picture: freeId(
      bits(PICTURE_SETS).map((set) => golombAt(set, 0).value),
      PICTURE_IDS,
    ),
  };
}

const fourBits = (id: number): string => id.toString(2).padStart(4, "0");

function withIds(type: number, set: Buffer, ids: Ids): Buffer {
  const bits = payloadOf(set);
  if (type === VIDEO_SETS) return withPayload(set, fourBits(ids.video) + bits.slice(4));
  if (type === SEQUENCE_SETS) {
    const { end } = sequenceIdAt(bits);
    const before = fourBits(ids.video) + bits.slice(4, end - 1);
    return withPayload(set, `${before}${golomb(ids.sequence)}${content(bits).slice(end)}1`);
  }
  const { end } = golombAt(bits, golombAt(bits, 0).end);
  return withPayload(set, `${golomb(ids.picture)}${golomb(ids.sequence)}${content(bits).slice(end)}1`);
}

/** Offsets of chroma format and bit depths in hvcC. */
const FORMAT_AT = [16, 17, 18];
const LEVEL_AT = 12;

export class RenumberedHevcSets {
  readonly #arrays: readonly HevcArray[];
  readonly #ids: Ids;

  /** `sources`: each hvcC of the source. */
  constructor(sources: readonly Buffer[]) {
    this.#arrays = sources.flatMap(hevcArrays);
    this.#ids = freeIds(this.#arrays);
  }

  /** An encoder's hvcC with its new ids. */
  configuration(encoded: Buffer): Buffer {
    const arrays = hevcArrays(encoded).filter(({ type }) => SET_TYPES.includes(type));
    for (const { type, sets } of arrays)
      if (sets.length > 1) throw unreadable(`the encoder wrote ${sets.length} parameter sets of type ${type}, not one`);
    const renumbered = arrays.map(({ type, sets }) => ({
      type,
      isComplete: this.#arrays.some((array) => array.type === type && array.isComplete),
      sets: sets.map((set) => withIds(type, set, this.#ids)),
    }));
    return hevcConfiguration(encoded, renumbered);
  }

  /** The source's hvcC with the sets of `configuration` added. */
  merged(source: Buffer, configuration: Buffer): Buffer {
    if (FORMAT_AT.some((at) => source[at] !== configuration[at]))
      throw unreadable("encoded and source pictures have different pixel formats");
    const encoded = hevcArrays(configuration);
    const arraysOfSource = hevcArrays(source);
    const arrays = arraysOfSource.map((array) => ({ ...array, sets: [...array.sets, ...setsOf(encoded, array.type)] }));
    // A source with the sample entry hev1 may have all of its sets in the stream.
    arrays.push(...encoded.filter(({ type }) => arraysOfSource.every((array) => array.type !== type)));
    const header = Buffer.from(source);
    header[LEVEL_AT] = Math.max(source[LEVEL_AT]!, configuration[LEVEL_AT]!);
    return hevcConfiguration(header, arrays);
  }

  /** An encoder's frame in length format, with the new ids. */
  frame(frame: Buffer): Buffer {
    const units = lengthFramed(frame);
    if (units === undefined) throw unreadable("an encoded frame has no valid NAL units");
    return lengthPrefixed(units.map((unit) => this.#renumbered(unit)));
  }

  #renumbered(unit: Buffer): Buffer {
    const type = (unit[0]! >> 1) & 0x3f;
    if (type > LAST_SLICE_TYPE) return unit;
    // The id is behind one flag, and another one in a random access picture.
    const flags = isRandomAccess(type) ? 2 : 1;
    const first = (unit[UNIT_HEADER_BYTES] ?? 0).toString(2).padStart(8, "0");
    if (first[flags] !== "1") throw unreadable("an encoded picture refers to a parameter set other than 0");
    const begin = bytesOf(first.slice(0, flags) + golomb(this.#ids.picture) + first.slice(flags + 1));
    return Buffer.concat([unit.subarray(0, UNIT_HEADER_BYTES), begin, unit.subarray(UNIT_HEADER_BYTES + 1)]);
  }
}
