/**
 * The CRC of two concatenated byte strings, from the CRC of each and the length of the second. With
 * it, a multipart upload gets the checksum of the whole object without reading it again. After
 * zlib's `crc32_combine_` (https://github.com/madler/zlib/blob/develop/crc32.c), for any width.
 */
export class CrcCombination {
  readonly #polynomial: bigint;
  readonly #top: bigint;
  readonly #shifts = new Map<number, bigint>();

  /** `polynomial` reflected, as in crc.ts; `width` in bits. */
  constructor(polynomial: bigint, width: number) {
    this.#polynomial = polynomial;
    this.#top = 1n << BigInt(width - 1);
  }

  /** `secondLength` in bytes. */
  combine(first: bigint, second: bigint, secondLength: number): bigint {
    return this.#multiply(this.#shiftBy(secondLength), first) ^ second;
  }

  /**
   * x to the power of 8 · `bytes`, modulo the polynomial. Cached: most parts of an upload have one
   * length.
   */
  #shiftBy(bytes: number): bigint {
    const known = this.#shifts.get(bytes);
    if (known !== undefined) return known;
    let shift = this.#top;
    let square = this.#top >> 1n;
    for (let exponent = BigInt(bytes) * 8n; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) shift = this.#multiply(square, shift);
      square = this.#multiply(square, square);
    }
    this.#shifts.set(bytes, shift);
    return shift;
  }

  #multiply(left: bigint, right: bigint): bigint {
    let result = 0n;
    let factor = right;
    for (let bit = this.#top; bit > 0n; bit >>= 1n) {
      if (left & bit) result ^= factor;
      factor = factor & 1n ? (factor >> 1n) ^ this.#polynomial : factor >> 1n;
    }
    return result;
  }
}
