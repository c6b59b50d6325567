import { H264Refusal } from "./refusal.ts";

/**
 * Writes syntax elements of an RBSP: ITU-T H.264, sections 7.2 and 9.1. Throws `H264Refusal` (limit)
 * for a value that an element can't have.
 */
export class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;

  /** Number of bits written. */
  get position(): number {
    return this.#bits;
  }

  /** An unsigned number of 0 to 32 bits: u(n). */
  u(bits: number, value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits)
      throw new H264Refusal("limit", `${value} isn't a number of ${bits} bits`);
    for (let at = bits - 1; at >= 0; at -= 1) this.#bit(Math.floor(value / 2 ** at) % 2);
  }

  flag(value: boolean): void {
    this.#bit(value ? 1 : 0);
  }

  /** An unsigned Exp-Golomb code: ue(v). */
  ue(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 31)
      throw new H264Refusal("limit", `${value} has no Exp-Golomb code`);
    const bits = 32 - Math.clz32(value + 1);
    this.u(bits - 1, 0);
    this.u(bits, value + 1);
  }

  /** A signed Exp-Golomb code: se(v). */
  se(value: number): void {
    this.ue(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** Writes the same bit up to the next byte. */
  align(bit: 0 | 1): void {
    while (this.#bits % 8 !== 0) this.#bit(bit);
  }

  /** Copies the bits `from` to `to` of `bytes`. */
  copy(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at += 1) this.#bit((bytes[at >> 3]! >> (7 - (at & 7))) & 1);
  }

  /** rbsp_trailing_bits, section 7.3.2.11. */
  trailing(): void {
    this.#bit(1);
    this.align(0);
  }

  /** What was written; the last byte is filled with zeros. */
  bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  #bit(bit: number): void {
    if (this.#bits % 8 === 0) this.#bytes.push(0);
    if (bit === 1) this.#bytes[this.#bits >> 3]! |= 1 << (7 - (this.#bits & 7));
    this.#bits += 1;
  }
}

/**
 * The bits `from` to `to` of `bytes`, moved behind `head`, which has `headBits` bits. For slice data
 * that isn't aligned (CAVLC): 8 bits at a time.
 */
export function appendBits(head: Buffer, headBits: number, bytes: Uint8Array, from: number, to: number): Buffer {
  const total = headBits + to - from;
  const joined = Buffer.alloc(Math.ceil(total / 8) + 1);
  head.copy(joined);
  for (let at = from; at < to; at += 8) {
    const source = at >> 3;
    const left = at & 7;
    const pair = ((bytes[source] ?? 0) << 8) | (bytes[source + 1] ?? 0);
    const taken = Math.min(8, to - at);
    const value = (pair >> (8 - left)) & 0xff & (0xff << (8 - taken));
    const target = headBits + at - from;
    joined[target >> 3]! |= value >> (target & 7);
    joined[(target >> 3) + 1]! |= (value << (8 - (target & 7))) & 0xff;
  }
  return joined.subarray(0, Math.ceil(total / 8));
}
