import { unreadable } from "../../process/errors.ts";

/** EBML, the structure that Matroska files have: elements of an id, a size and a body. RFC 8794. */

/** Matroska's own limits, which are EBML's defaults (sections 11.2.4 and 11.2.5). */
export const MAX_ID_BYTES = 4;
export const MAX_SIZE_BYTES = 8;

/** A number whose length is in the leading zeros of its first byte. Section 4. */
export type Vint = {
  /** Bytes. */
  length: number;
  /** Without the marker. Above 2^53 it's rounded. */
  value: number;
  /** All bits are set: of a size, that it's unknown. */
  isAllOnes: boolean;
};

/** How long the number that starts with this byte is; 9 for a zero, which starts none. */
export const vintLength = (first: number): number => Math.clz32(first) - 23;

/** The number at a place. Undefined where it isn't whole, or longer than 8 bytes. */
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
  /** Bytes of the header itself. */
  header: number;
  /** Bytes of the body, as stated; undefined where it's unknown. */
  size: number | undefined;
};

/**
 * The header at a place. Undefined where it isn't whole, or none: an id is 4 bytes at most.
 * Sections 5 and 6.
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
  /** With its header. */
  whole: Buffer;
};

/**
 * The elements in a body that is whole in memory. Throws `CutFailedError` (UnreadableMedia) for one
 * that is none, or reaches beyond the body: elements in an element are of known size.
 */
export function* elementsIn(body: Buffer): Generator<Element, void, undefined> {
  for (let at = 0; at < body.length; ) {
    const found = readElementHeader(body, at);
    const size = found?.size;
    if (found === undefined || size === undefined || size > body.length - at - found.header)
      throw unreadable("a Matroska element reaches beyond the one that holds it");
    const end = at + found.header + size;
    yield { id: found.id, body: body.subarray(at + found.header, end), whole: body.subarray(at, end) };
    at = end;
  }
}

/** The body of the first element of an id. */
export function childOf(body: Buffer, id: number): Buffer | undefined {
  for (const element of elementsIn(body)) if (element.id === id) return element.body;
  return undefined;
}

/** Up to this many bytes Node reads as a number. */
const MAX_NUMBER_BYTES = 6;

/**
 * An unsigned integer of 0 to 8 bytes; 0 where there is none. Section 7.1. Throws `CutFailedError`
 * (UnreadableMedia) for one that is longer, or above 2^53: no time, size or number of a real file
 * is.
 */
export function unsigned(body: Buffer | undefined): number {
  if (body === undefined || body.length === 0) return 0;
  if (body.length <= MAX_NUMBER_BYTES) return body.readUIntBE(0, body.length);
  const value = body.length <= 8 ? Number(BigInt(`0x${body.toString("hex")}`)) : Number.POSITIVE_INFINITY;
  if (!Number.isSafeInteger(value)) throw unreadable(`a Matroska integer of ${body.length} bytes is out of range`);
  return value;
}

/** An element, its size in 8 bytes. */
export function element(id: number, body: Buffer): Buffer {
  const idLength = Math.ceil((32 - Math.clz32(id)) / 8);
  const header = Buffer.alloc(idLength + 8);
  header.writeUIntBE(id, 0, idLength);
  header.writeBigUInt64BE(BigInt(body.length) | (1n << 56n), idLength);
  return Buffer.concat([header, body]);
}

/**
 * The body of an unsigned integer. Throws `CutFailedError` (UnreadableMedia) for a value that is
 * none.
 */
export function integer(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw unreadable(`a Matroska file can't hold ${value} as an integer`);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/**
 * A number of up to 14 bits, as blocks name their track. All ones are left out: they'd mean
 * "unknown" in a size.
 */
export function shortVint(value: number): Buffer {
  if (value < 0x7f) return Buffer.from([0x80 | value]);
  if (value >= 0x3fff) throw unreadable(`a Matroska file of track number ${value}`);
  return Buffer.from([0x40 | (value >> 8), value & 0xff]);
}
