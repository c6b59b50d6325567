import { unreadable } from "../../process/errors.ts";

/** Bits of parameter sets and SEI messages. ITU-T H.264 and H.265, sections 7.2 and 9.2. */

/**
 * emulation_prevention_three_byte: inserted after two zero bytes, because no start code may occur
 * inside a NAL unit. Section 7.4.2.
 */
const ESCAPE = 3;

/** What an escape is found by: two zero bytes are rare, and `indexOf` is native. */
const ZEROS = Buffer.alloc(2);
const ESCAPED_ZEROS = Buffer.from([0, 0, ESCAPE]);

export function unescaped(unit: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(unit.length);
  let filled = 0;
  let start = 0;
  for (let at = unit.indexOf(ESCAPED_ZEROS); at !== -1; at = unit.indexOf(ESCAPED_ZEROS, start)) {
    filled += unit.copy(bytes, filled, start, at + ZEROS.length);
    start = at + ESCAPED_ZEROS.length;
  }
  filled += unit.copy(bytes, filled, start);
  return bytes.subarray(0, filled);
}

export function escaped(bytes: Buffer): Buffer {
  // At most one byte is added per two bytes.
  const unit = Buffer.allocUnsafe(bytes.length + Math.ceil(bytes.length / 2));
  let filled = 0;
  let start = 0;
  for (let at = bytes.indexOf(ZEROS); at !== -1; at = bytes.indexOf(ZEROS, start)) {
    const next = at + ZEROS.length;
    filled += bytes.copy(unit, filled, start, next);
    start = next;
    if (next < bytes.length && bytes[next]! <= ESCAPE) unit[filled++] = ESCAPE;
  }
  filled += bytes.copy(unit, filled, start);
  return unit.subarray(0, filled);
}

/** The bits as a string of "0" and "1". */
export const bitsOf = (bytes: Buffer): string => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");

/** The bytes of a bit string; the last byte is padded with zeros. */
export function bytesOf(bits: string): Buffer {
  const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0");
  return Buffer.from((whole.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

export type Code = { value: number; end: number };

/** Longer codes have values above 2^31. */
const MAX_LEADING_ZEROS = 31;

/** Reads the unsigned Exp-Golomb code at bit `at`; undefined when there is none. Section 9.1. */
export function findGolomb(bits: string, at: number): Code | undefined {
  const one = bits.indexOf("1", at);
  const zeros = one - at;
  const end = one + zeros + 1;
  if (one === -1 || zeros > MAX_LEADING_ZEROS || end > bits.length) return undefined;
  return { value: Number.parseInt(bits.slice(one, end), 2) - 1, end };
}

/** As `findGolomb`, but throws `CutFailedError` (UnreadableMedia) when there is none. */
export function golombAt(bits: string, at: number): Code {
  const code = findGolomb(bits, at);
  if (code === undefined) throw unreadable("a parameter set is incomplete");
  return code;
}

export function golomb(value: number): string {
  const bits = (value + 1).toString(2);
  return "0".repeat(bits.length - 1) + bits;
}
