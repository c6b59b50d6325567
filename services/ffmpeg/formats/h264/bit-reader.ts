import { H264Refusal } from "./refusal.ts";

/** Longer Exp-Golomb codes have values that no syntax element of H.264 may have. */
const MAX_LEADING_ZEROS = 31;

/**
 * Reads syntax elements of a raw byte sequence payload (RBSP): ITU-T H.264, sections 7.2 and 9.1.
 * Reading beyond the end throws `H264Refusal` (malformed).
 */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  /** `rbsp`: without emulation prevention bytes. */
  constructor(rbsp: Uint8Array) {
    this.#bytes = rbsp;
  }

  /** Index of the next bit. */
  get position(): number {
    return this.#position;
  }

  /** An unsigned number of 0 to 32 bits: u(n). */
  u(bits: number): number {
    if (this.#position + bits > this.#bytes.length * 8)
      throw new H264Refusal("malformed", `a header ends before bit ${this.#position + bits}`);
    let value = 0;
    for (let left = bits; left > 0; ) {
      const within = this.#position & 7;
      const taken = Math.min(left, 8 - within);
      const byte = this.#bytes[this.#position >> 3]!;
      value = value * 2 ** taken + ((byte >> (8 - within - taken)) & ((1 << taken) - 1));
      this.#position += taken;
      left -= taken;
    }
    return value;
  }

  flag(): boolean {
    return this.u(1) === 1;
  }

  /** An unsigned Exp-Golomb code: ue(v). `max`: the largest value that is allowed. */
  ue(max = 2 ** 31 - 1): number {
    let zeros = 0;
    while (this.u(1) === 0) {
      zeros += 1;
      if (zeros > MAX_LEADING_ZEROS) throw new H264Refusal("malformed", "an Exp-Golomb code is too long");
    }
    const value = 2 ** zeros - 1 + this.u(zeros);
    if (value > max) throw new H264Refusal("malformed", `a value is ${value}; at most ${max} is allowed`);
    return value;
  }

  /** A signed Exp-Golomb code: se(v). Section 9.1.1. */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2 + 0;
  }
}

/**
 * Number of bits before rbsp_trailing_bits: a one and zeros up to the end. Section 7.3.2.11. Throws
 * `H264Refusal` (malformed) where there's no one.
 */
export function contentBits(rbsp: Uint8Array): number {
  let last = rbsp.length - 1;
  while (last >= 0 && rbsp[last] === 0) last -= 1;
  const byte = rbsp[last];
  if (byte === undefined) throw new H264Refusal("malformed", "a unit has no stop bit");
  return last * 8 + 7 - Math.log2(byte & -byte);
}
