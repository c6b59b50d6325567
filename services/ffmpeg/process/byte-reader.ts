/** Reads a stream in buffers of requested sizes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  /** Bytes that were read and not yet returned. */
  #held: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /**
   * The next `size` bytes; undefined when the stream ends before. Bytes from several chunks are
   * copied once.
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

  /** Reads and discards the rest of the stream, so that its writer isn't blocked. */
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
