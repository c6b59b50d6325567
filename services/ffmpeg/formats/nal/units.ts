import { crc32 } from "node:zlib";
import { bitsOf, findGolomb, unescaped } from "./bits.ts";

/**
 * NAL units of H.264 and HEVC packets. They are separated by start codes (transport streams, AVI)
 * or preceded by lengths (MP4, Matroska). ISO/IEC 14496-15; ITU-T H.264 section 7.3.1 and annex B;
 * H.265 section 7.3.1.2.
 */
export type NalCodec = "h264" | "hevc";

export const isNalCodec = (codec: string | undefined): codec is NalCodec => codec === "h264" || codec === "hevc";

export const LENGTH_BYTES = 4;

/**
 * More than a picture has: at most 600 slices (H.264 and H.265, annex A), with messages and
 * parameter sets.
 */
const MAX_UNITS = 10_000;

/** The units of a packet with 4-byte lengths; undefined when the lengths don't add up. */
export function lengthFramed(packet: Buffer): Buffer[] | undefined {
  const units: Buffer[] = [];
  let at = 0;
  for (let count = 0; at + LENGTH_BYTES <= packet.length; count += 1) {
    const begin = at + LENGTH_BYTES;
    const length = packet.readUInt32BE(at);
    // Empty units count too: a packet of zeros consists of them.
    if (length > packet.length - begin || count === MAX_UNITS) return undefined;
    if (length > 0) units.push(packet.subarray(begin, begin + length));
    at = begin + length;
  }
  return at === packet.length ? units : undefined;
}

const START_CODE = Buffer.from([0, 0, 1]);

/** The units of a packet with start codes; undefined for more units than a picture has. */
function startCodeFramed(packet: Buffer): Buffer[] | undefined {
  const units: Buffer[] = [];
  let found = packet.indexOf(START_CODE);
  for (let count = 0; found !== -1; count += 1) {
    const begin = found + START_CODE.length;
    found = packet.indexOf(START_CODE, begin);
    let end = found === -1 ? packet.length : found;
    // Zeros before a start code belong to it; no unit ends with one.
    while (end > begin && packet[end - 1] === 0) end -= 1;
    if (count === MAX_UNITS) return undefined;
    if (end > begin) units.push(packet.subarray(begin, end));
  }
  return units;
}

/**
 * Splits the packets of one stream into NAL units, in the format of its first valid packet. The
 * format isn't detected for each packet: a start code and the first byte of a unit may look like
 * the length of the packet (00 00 01 46 in 330 bytes).
 */
export class NalReader {
  #framing: "lengths" | "start codes" | undefined;

  /** Undefined for an invalid packet, and for every packet of a stream with shorter lengths. */
  units(packet: Buffer): Buffer[] | undefined {
    this.#framing ??= framingOf(packet);
    if (this.#framing === "lengths") return lengthFramed(packet);
    if (this.#framing === "start codes") return startCodeFramed(packet);
    // A packet of zeros has no unit, whatever came before it.
    return lengthFramed(packet)?.length === 0 ? [] : undefined;
  }

  /** The packet with 4-byte lengths, as in MP4; unchanged when it's invalid. */
  framed(packet: Buffer): Buffer {
    const units = this.units(packet);
    return this.#framing !== "start codes" || units === undefined ? packet : lengthPrefixed(units);
  }
}

function framingOf(packet: Buffer): "lengths" | "start codes" | undefined {
  // A packet of zeros has no unit, and says nothing about the others.
  if ((lengthFramed(packet)?.length ?? 0) > 0) return "lengths";
  return packet.includes(START_CODE) ? "start codes" : undefined;
}

/** A packet of these units with 4-byte lengths, as in MP4. */
export function lengthPrefixed(units: readonly Buffer[]): Buffer {
  return Buffer.concat(
    units.flatMap((unit) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32BE(unit.length);
      return [length, unit];
    }),
  );
}

export const nalType = (codec: NalCodec, unit: Buffer): number =>
  codec === "h264" ? unit[0]! & 0x1f : (unit[0]! >> 1) & 0x3f;

/** Whether a unit is a coded slice. */
export const isSlice = (codec: NalCodec, unit: Buffer): boolean => {
  const type = nalType(codec, unit);
  return codec === "h264" ? type >= 1 && type <= 5 : type <= 31;
};

/** Longest beginning of a slice header up to and including its type. */
const SLICE_TYPE_BYTES = 9;

/** Values from 5 on mean that all slices of the picture have the type. */
const SLICE_TYPES = 5;

/**
 * Type of an H.264 slice, 0 to 4 (table 7-6); undefined when the header is incomplete. Section
 * 7.3.3.
 */
export function sliceType(slice: Buffer): number | undefined {
  const bits = bitsOf(unescaped(slice.subarray(1, 1 + SLICE_TYPE_BYTES)));
  const firstMacroblock = findGolomb(bits, 0);
  const type = firstMacroblock && findGolomb(bits, firstMacroblock.end);
  return type && type.value % SLICE_TYPES;
}

/** Whether a unit belongs to an IDR picture: nothing after it refers to a picture before it. */
const isReset = (codec: NalCodec, unit: Buffer): boolean => {
  const type = nalType(codec, unit);
  return codec === "h264" ? type === 5 : type === 19 || type === 20;
};

/** Whether a packet in length format is an IDR picture. */
export const isIdr = (codec: NalCodec, packet: Buffer): boolean =>
  (lengthFramed(packet) ?? []).some((unit) => isReset(codec, unit));

const hashOfSlices = (codec: NalCodec, units: readonly Buffer[]): number =>
  units.reduce((hash, unit) => (isSlice(codec, unit) ? crc32(unit, hash) : hash), 0);

/**
 * Hashes only the slices of a stream's packets, so that the hash doesn't depend on the container's
 * framing and repeated parameter sets.
 */
export function pictureHasher(codec: string | undefined): (packet: Buffer) => number {
  if (!isNalCodec(codec)) return (packet) => crc32(packet);
  const reader = new NalReader();
  return (packet) => {
    const units = reader.units(packet);
    return units === undefined ? crc32(packet) : hashOfSlices(codec, units);
  };
}
