import { unreadable } from "../../process/errors.ts";
import { bitsOf, bytesOf, type Code, escaped, golomb, golombAt, unescaped } from "./bits.ts";
import { type HevcArray, hevcArrays, hevcConfiguration } from "./decoder-configuration.ts";
import { lengthFramed, lengthPrefixed } from "./units.ts";

/**
 * Gives the pictures of an encoder parameter sets that stand beside those of the source in one hvcC:
 * x265 has no option for their ids, and under the tag hvc1 samples hold no sets (ISO/IEC 14496-15,
 * section 8.3.3.1.1). ITU-T H.265, sections 7.3.2 and 7.3.6.1.
 */

const VIDEO_SETS = 32;
const SEQUENCE_SETS = 33;
const PICTURE_SETS = 34;
const SET_TYPES = [VIDEO_SETS, SEQUENCE_SETS, PICTURE_SETS];

const UNIT_HEADER_BYTES = 2;
const LAST_SLICE_TYPE = 31;
const isRandomAccess = (type: number): boolean => type >= 16 && type <= 23;

/**
 * Of a picture set. Each takes 9 bits where 0 takes 1, so that a slice with it is longer by just one
 * byte and nothing behind moves by bits; and the last bits aren't zeros, so that no start code comes
 * of it.
 */
const PICTURE_IDS = [30, 29, 28, 26, 25, 24, 22, 21, 20, 18, 17, 16];
const OTHER_IDS = Array.from({ length: 16 }, (_, at) => 15 - at);

type Ids = { video: number; sequence: number; picture: number };

const payloadOf = (set: Buffer): string => bitsOf(unescaped(set.subarray(UNIT_HEADER_BYTES)));

const withPayload = (set: Buffer, bits: string): Buffer =>
  Buffer.concat([set.subarray(0, UNIT_HEADER_BYTES), escaped(bytesOf(bits))]);

/** The bits of a set end with a one, and zeros up to the byte. */
const content = (bits: string): string => bits.slice(0, bits.lastIndexOf("1"));

const videoIdOf = (bits: string): number => Number.parseInt(bits.slice(0, 4), 2);

/** Behind the profile, which is 88 bits, and the level of each layer in time. Section 7.3.3. */
function sequenceIdAt(bits: string): Code {
  const layers = Number.parseInt(bits.slice(4, 7), 2);
  let at = 8 + 88 + 8;
  const flags = bits.slice(at, at + 2 * layers);
  if (layers > 0) at += 16;
  for (let layer = 0; layer < layers; layer += 1)
    at += (flags[2 * layer] === "1" ? 88 : 0) + (flags[2 * layer + 1] === "1" ? 8 : 0);
  return golombAt(bits, at);
}

const setsOf = (arrays: readonly HevcArray[], wanted: number): Buffer[] =>
  arrays.filter(({ type }) => type === wanted).flatMap(({ sets }) => sets);

function freeId(used: readonly number[], candidates: readonly number[]): number {
  const id = candidates.find((candidate) => !used.includes(candidate));
  if (id === undefined) throw unreadable("the source leaves no id for a parameter set");
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

/** Chroma format and bit depths. */
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

  /** The hvcC that an encoder wrote, with other ids. */
  configuration(encoded: Buffer): Buffer {
    const arrays = hevcArrays(encoded).filter(({ type }) => SET_TYPES.includes(type));
    for (const { type, sets } of arrays)
      if (sets.length > 1) throw unreadable(`an encoder's ${sets.length} sets of type ${type}`);
    const renumbered = arrays.map(({ type, sets }) => ({
      type,
      isComplete: this.#arrays.some((array) => array.type === type && array.isComplete),
      sets: sets.map((set) => withIds(type, set, this.#ids)),
    }));
    return hevcConfiguration(encoded, renumbered);
  }

  /** One hvcC of the source with the sets of a `configuration` too. */
  merged(source: Buffer, configuration: Buffer): Buffer {
    if (FORMAT_AT.some((at) => source[at] !== configuration[at]))
      throw unreadable("the encoded pictures have another pixel format than the source's");
    const own = hevcArrays(configuration);
    const theirs = hevcArrays(source);
    const arrays = theirs.map((array) => ({ ...array, sets: [...array.sets, ...setsOf(own, array.type)] }));
    // A source under the tag hev1 may have all of its sets in the stream.
    arrays.push(...own.filter(({ type }) => theirs.every((array) => array.type !== type)));
    const head = Buffer.from(source);
    head[LEVEL_AT] = Math.max(source[LEVEL_AT]!, configuration[LEVEL_AT]!);
    return hevcConfiguration(head, arrays);
  }

  /** A frame of the encoder, framed by lengths, that names its sets by their other ids. */
  frame(frame: Buffer): Buffer {
    const units = lengthFramed(frame);
    if (units === undefined) throw unreadable("an encoded frame can't be taken apart");
    return lengthPrefixed(units.map((unit) => this.#renumbered(unit)));
  }

  #renumbered(unit: Buffer): Buffer {
    const type = (unit[0]! >> 1) & 0x3f;
    if (type > LAST_SLICE_TYPE) return unit;
    // Before the id: one flag, and another in a picture that a decoder can begin with.
    const flags = isRandomAccess(type) ? 2 : 1;
    const first = (unit[UNIT_HEADER_BYTES] ?? 0).toString(2).padStart(8, "0");
    if (first[flags] !== "1") throw unreadable("an encoded picture has sets of another id than 0");
    const begin = bytesOf(first.slice(0, flags) + golomb(this.#ids.picture) + first.slice(flags + 1));
    return Buffer.concat([unit.subarray(0, UNIT_HEADER_BYTES), begin, unit.subarray(UNIT_HEADER_BYTES + 1)]);
  }
}
