import { crc32 } from "node:zlib";
import { bitsOf, findGolomb, unescaped } from "./bits.ts";

/**
 * H.264 and HEVC packets are sequences of NAL units, framed by start codes (transport streams, AVI)
 * or by lengths (MP4, Matroska). ISO/IEC 14496-15; ITU-T H.264 section 7.3.1 and annex B; H.265
 * section 7.3.1.2.
 */
export type NalCodec = "h264" | "hevc";

export const isNalCodec = (codec: string | undefined): codec is NalCodec => codec === "h264" || codec === "hevc";

const LENGTH_BYTES = 4;

/**
 * More than a picture has: 600 slices at most (H.264 and H.265, annex A), with their messages and
 * parameters.
 */
const MAX_UNITS = 10_000;

/**
 * The units of a packet that is framed by 4-byte lengths; undefined where the lengths don't add up.
 */
export function lengthFramed(packet: Buffer): Buffer[] | undefined {
  const units: Buffer[] = [];
  let at = 0;
  for (let count = 0; at + LENGTH_BYTES <= packet.length; count += 1) {
    const begin = at + LENGTH_BYTES;
    const length = packet.readUInt32BE(at);
    // Empty ones count too: a packet of zeros is made of them.
    if (length > packet.length - begin || count === MAX_UNITS) return undefined;
    if (length > 0) units.push(packet.subarray(begin, begin + length));
    at = begin + length;
  }
  return at === packet.length ? units : undefined;
}

const START_CODE = Buffer.from([0, 0, 1]);

/**
 * The units of a packet that is framed by start codes; undefined where they are more than a picture
 * has.
 */
function startCodeFramed(packet: Buffer): Buffer[] | undefined {
  const units: Buffer[] = [];
  let found = packet.indexOf(START_CODE);
  for (let count = 0; found !== -1; count += 1) {
    const begin = found + START_CODE.length;
    found = packet.indexOf(START_CODE, begin);
    let end = found === -1 ? packet.length : found;
    // Zeros before a start code belong to it, and no unit ends with one.
    while (end > begin && packet[end - 1] === 0) end -= 1;
    if (count === MAX_UNITS) return undefined;
    if (end > begin) units.push(packet.subarray(begin, end));
  }
  return units;
}

/**
 * Takes the packets of one stream apart, in whichever framing it has: that of its first packet that
 * has one. Not packet by packet, since a start code and a unit's first byte may read as the length
 * of just the packet it starts (00 00 01 46 in 330 bytes).
 */
export class NalReader {
  #framing: "lengths" | "start codes" | undefined;

  /**
   * Undefined for a packet that can't be taken apart: a damaged one, and each of a stream that is
   * framed by shorter lengths.
   */
  units(packet: Buffer): Buffer[] | undefined {
    this.#framing ??= framingOf(packet);
    if (this.#framing === "lengths") return lengthFramed(packet);
    return this.#framing === "start codes" ? startCodeFramed(packet) : undefined;
  }

  /**
   * The packet framed by 4-byte lengths, as MP4 wants it; as it is where it can't be taken apart.
   */
  framed(packet: Buffer): Buffer {
    const units = this.units(packet);
    return this.#framing === "lengths" || units === undefined ? packet : lengthPrefixed(units);
  }
}

function framingOf(packet: Buffer): "lengths" | "start codes" | undefined {
  if (lengthFramed(packet) !== undefined) return "lengths";
  return packet.includes(START_CODE) ? "start codes" : undefined;
}

/** The packet framed by 4-byte lengths, as MP4 wants it. */
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

/** Whether a unit carries picture data (a coded slice), and not parameters or messages. */
export const isSlice = (codec: NalCodec, unit: Buffer): boolean => {
  const type = nalType(codec, unit);
  return codec === "h264" ? type >= 1 && type <= 5 : type <= 31;
};

/** What comes before the type in a slice's header, and the type, at their longest. */
const SLICE_TYPE_BYTES = 9;

/** Those from 5 on say that all slices of the picture are of that type. */
const SLICE_TYPES = 5;

/** The type of an H.264 slice, 0 to 4 (table 7-6); undefined where its header is cut off. Section 7.3.3. */
export function sliceType(slice: Buffer): number | undefined {
  const bits = bitsOf(unescaped(slice.subarray(1, 1 + SLICE_TYPE_BYTES)));
  const firstMacroblock = findGolomb(bits, 0);
  const type = firstMacroblock && findGolomb(bits, firstMacroblock.end);
  return type && type.value % SLICE_TYPES;
}

/** Whether a decoder is reset by it: nothing after it refers to anything before. */
const isReset = (codec: NalCodec, unit: Buffer): boolean => {
  const type = nalType(codec, unit);
  return codec === "h264" ? type === 5 : type === 19 || type === 20;
};

/** Whether a packet framed by lengths starts with nothing before it: an IDR picture. */
export const isIdr = (codec: NalCodec, packet: Buffer): boolean =>
  (lengthFramed(packet) ?? []).some((unit) => isReset(codec, unit));

const hashOfSlices = (codec: NalCodec, units: readonly Buffer[]): number =>
  units.reduce((hash, unit) => (isSlice(codec, unit) ? crc32(unit, hash) : hash), 0);

/**
 * Hashes the picture data alone of one stream's packets: the same in whatever container a packet
 * stands, framed and with parameters repeated as each wants.
 */
export function pictureHasher(codec: string | undefined): (packet: Buffer) => number {
  if (!isNalCodec(codec)) return (packet) => crc32(packet);
  const reader = new NalReader();
  return (packet) => {
    const units = reader.units(packet);
    return units === undefined ? crc32(packet) : hashOfSlices(codec, units);
  };
}
