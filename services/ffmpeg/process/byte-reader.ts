const NONE = Buffer.alloc(0);

/** Reads a stream in buffers of requested sizes. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #ownsChunks: boolean;
  /** Bytes that were read and not yet returned: the end of a chunk. */
  #held: Buffer = NONE;
  /** The memory of that chunk; undefined where others have bytes of it. */
  #memory: ArrayBuffer | undefined;
  /** What was lent last, where it came in several chunks. */
  #gathered: Buffer = NONE;

  /**
   * `ownsChunks`: nobody else has the stream's chunks. Their memory is freed as soon as they're read
   * by `lend`: the garbage collector would look through the whole heap for it, again and again.
   */
  constructor(stream: AsyncIterable<Buffer>, { ownsChunks = false } = {}) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#ownsChunks = ownsChunks;
  }

  /**
   * The next `size` bytes; undefined when the stream ends before. Bytes from several chunks are
   * copied once.
   */
  async read(size: number): Promise<Buffer | undefined> {
    this.#memory = undefined;
    if (size <= this.#held.length) return this.#take(size);
    const gathered = Buffer.allocUnsafe(size);
    return (await this.#fill(gathered)) ? gathered : undefined;
  }

  /** As `read`, but the bytes are gone when more are read. */
  async lend(size: number): Promise<Buffer | undefined> {
    if (size <= this.#held.length) return this.#take(size);
    if (this.#gathered.length < size) this.#gathered = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(size)));
    const gathered = this.#gathered.subarray(0, size);
    return (await this.#fill(gathered)) ? gathered : undefined;
  }

  /** Reads and discards the rest of the stream, so that its writer isn't blocked. */
  async drain(): Promise<void> {
    this.#free();
    for (;;) if ((await this.#chunks.next()).done === true) return;
  }

  #take(size: number): Buffer {
    const taken = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return taken;
  }

  /** Whether the stream has enough for it. */
  async #fill(target: Buffer): Promise<boolean> {
    let filled = this.#held.copy(target);
    while (filled < target.length) {
      this.#free();
      const { value, done } = await this.#chunks.next();
      if (done === true) return false;
      const copied = value.copy(target, filled);
      this.#held = value.subarray(copied);
      // A part of a buffer may belong to Node's pool.
      if (this.#ownsChunks && value.length === value.buffer.byteLength) this.#memory = value.buffer as ArrayBuffer;
      filled += copied;
    }
    return true;
  }

  #free(): void {
    this.#held = NONE;
    this.#memory?.transfer(0);
    this.#memory = undefined;
  }
}
