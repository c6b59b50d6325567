import { unreadable } from "../../process/errors.ts";

/** EBML, the structure of Matroska files: elements with an id, a size and a body. RFC 8794. */

/** Matroska's limits, which are EBML's defaults (sections 11.2.4 and 11.2.5). */
export const MAX_ID_BYTES = 4;
export const MAX_SIZE_BYTES = 8;

/** A variable-size integer: the leading zeros of its first byte give its length. Section 4. */
export type Vint = {
  /** Bytes. */
  length: number;
  /** Value without the marker bit; rounded above 2^53. */
  value: number;
  /** Whether all bits are set, which in a size means unknown. */
  isAllOnes: boolean;
};

/** Length in bytes of the integer that starts with this byte; 9 for 0, which is invalid. */
export const vintLength = (first: number): number => Math.clz32(first) - 23;

/** Reads the integer at byte `at`. Undefined when it's incomplete or longer than 8 bytes. */
export function readVint(bytes: Buffer, at: number): Vint | undefined {
  const length = vintLength(bytes[at] ?? 0);
  if (length > MAX_SIZE_BYTES || at + length > bytes.length) return undefined;
  const mask = 0xff >> length;
  let value = bytes[at]! & mask;
  let isAllOnes = value === mask;
  for (let byte = at + 1; byte < at + length; byte += 1) {
    value = value * 256 + bytes[byte]!;
    isAllOnes &&= bytes[byte] === 0xff;
  }
  return { length, value, isAllOnes };
}

export type ElementHeader = {
  id: number;
  /** Bytes of the header. */
  header: number;
  /** Bytes of the body, as stated; undefined: unknown size. */
  size: number | undefined;
};

/**
 * Reads the element header at byte `at`. Undefined when it's incomplete or invalid: an id has at
 * most 4 bytes. Sections 5 and 6.
 */
export function readElementHeader(bytes: Buffer, at: number): ElementHeader | undefined {
  const idLength = vintLength(bytes[at] ?? 0);
  if (idLength > MAX_ID_BYTES) return undefined;
  const size = readVint(bytes, at + idLength);
  if (size === undefined) return undefined;
  return {
    id: bytes.readUIntBE(at, idLength),
    header: idLength + size.length,
    size: size.isAllOnes ? undefined : size.value,
  };
}

export type Element = {
  id: number;
  body: Buffer;
  /** Header and body. */
  whole: Buffer;
};

/**
 * The elements in a body that is complete in memory. Throws `CutFailedError` (UnreadableMedia) for
 * an invalid element, one of unknown size, and one that extends beyond the body.
 */
export function* elementsIn(body: Buffer): Generator<Element, void, undefined> {
  for (let at = 0; at < body.length; ) {
    const found = readElementHeader(body, at);
    const size = found?.size;
    if (found === undefined || size === undefined || size > body.length - at - found.header)
      throw unreadable("a Matroska element extends beyond its parent");
    const end = at + found.header + size;
    yield { id: found.id, body: body.subarray(at + found.header, end), whole: body.subarray(at, end) };
    at = end;
  }
}

/** The body of the first element with an id. */
export function childOf(body: Buffer, id: number): Buffer | undefined {
  for (const element of elementsIn(body)) if (element.id === id) return element.body;
  return undefined;
}

/** Node reads integers of up to this many bytes as numbers. */
const MAX_NUMBER_BYTES = 6;

/**
 * Reads an unsigned integer of 0 to 8 bytes; 0 when absent. Section 7.1. Throws `CutFailedError`
 * (UnreadableMedia) for a longer one or a value above 2^53, which no real file has.
 */
export function unsigned(body: Buffer | undefined): number {
  if (body === undefined || body.length === 0) return 0;
  if (body.length <= MAX_NUMBER_BYTES) return body.readUIntBE(0, body.length);
  const value = body.length <= 8 ? Number(BigInt(`0x${body.toString("hex")}`)) : Number.POSITIVE_INFINITY;
  if (!Number.isSafeInteger(value)) throw unreadable(`a Matroska integer of ${body.length} bytes is out of range`);
  return value;
}

/** Encodes an element with an 8-byte size. */
export function element(id: number, body: Buffer): Buffer {
  const idLength = Math.ceil((32 - Math.clz32(id)) / 8);
  const header = Buffer.alloc(idLength + 8);
  header.writeUIntBE(id, 0, idLength);
  header.writeBigUInt64BE(BigInt(body.length) | (1n << 56n), idLength);
  return Buffer.concat([header, body]);
}

/**
 * Encodes the body of an unsigned integer. Throws `CutFailedError` (UnreadableMedia) when the value
 * isn't one.
 */
export function integer(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw unreadable(`a Matroska file can't hold ${value} as an integer`);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/**
 * Encodes an integer of up to 14 bits, as blocks state their track. All ones aren't used: they mean
 * "unknown" in a size.
 */
export function shortVint(value: number): Buffer {
  if (value < 0x7f) return Buffer.from([0x80 | value]);
  if (value >= 0x3fff) throw unreadable(`a Matroska file can't have track number ${value}`);
  return Buffer.from([0x40 | (value >> 8), value & 0xff]);
}
