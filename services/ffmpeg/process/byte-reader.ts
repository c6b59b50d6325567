/** Reads a stream in pieces of requested sizes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer[] = [];
  #length = 0;

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or undefined where the stream ends before. */
  async read(size: number): Promise<Buffer | undefined> {
    while (this.#length < size) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return undefined;
      this.#held.push(value);
      this.#length += value.length;
    }
    const all = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held, this.#length);
    this.#held = size < all.length ? [all.subarray(size)] : [];
    this.#length -= size;
    return all.subarray(0, size);
  }

  /** Reads the stream to its end and drops it, so that its writer isn't held up. */
  async drain(): Promise<void> {
    this.#held = [];
    this.#length = 0;
    for (;;) if ((await this.#chunks.next()).done === true) return;
  }
}
