/** Reads a stream in pieces of requested sizes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  /** What was read and not yet returned. */
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /**
   * The next `size` bytes, or undefined where the stream ends before. Copied once at most, where they
   * come in several chunks.
   */
  async read(size: number): Promise<Buffer | undefined> {
    if (size <= this.#held.length) return this.#take(size);
    const gathered = Buffer.allocUnsafe(size);
    let filled = this.#held.copy(gathered);
    while (filled < size) {
      const { value, done } = await this.#chunks.next();
      if (done === true) return undefined;
      const copied = value.copy(gathered, filled);
      this.#held = value.subarray(copied);
      filled += copied;
    }
    return gathered;
  }

  /** Reads the stream to its end and drops it, so that its writer isn't held up. */
  async drain(): Promise<void> {
    this.#held = Buffer.alloc(0);
    for (;;) if ((await this.#chunks.next()).done === true) return;
  }

  #take(size: number): Buffer {
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }
}
