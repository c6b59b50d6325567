import { Condition } from "../process/condition.ts";

/** A queue of bytes between two tasks, first in, first out. The writer can wait for room. */
export class ByteQueue {
  readonly #maxBytes: number;
  readonly #signal: AbortSignal;
  readonly #ownsChunks: boolean;
  readonly #changed = new Condition();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #closed = false;

  /**
   * Aborting `signal` ends all waiting with its reason. `ownsChunks`: nobody else has the chunks that
   * are added. The memory of each is freed when the reader takes the next one, without waiting for the
   * garbage collector.
   */
  constructor(maxBytes: number, signal: AbortSignal, { ownsChunks = false } = {}) {
    this.#maxBytes = maxBytes;
    this.#signal = signal;
    this.#ownsChunks = ownsChunks;
  }

  /** Bytes that aren't read yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a chunk without waiting, whether there's room or not. Dropped when the reader has gone.
   */
  add(chunk: Buffer): void {
    if (this.#closed) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#changed.notify();
  }

  /** Resolves when there's room for more, or the reader has gone. */
  room(): Promise<void> {
    return this.#changed.waitFor(() => this.#closed || this.#bytes <= this.#maxBytes, this.#signal);
  }

  /** Marks the end of the data. */
  end(): void {
    this.#ended = true;
    this.#changed.notify();
  }

  /** The reader has gone: drops all data. */
  close(): void {
    this.#closed = true;
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#changed.notify();
  }

  /** The chunks in order, until `end` or `close`. For a single reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      await this.#changed.waitFor(() => this.#chunks.length > 0 || this.#ended || this.#closed, this.#signal);
      const chunk = this.#chunks.shift();
      if (chunk === undefined) return;
      this.#bytes -= chunk.length;
      this.#changed.notify();
      yield chunk;
      // A part of a buffer may belong to Node's pool.
      if (this.#ownsChunks && chunk.length === chunk.buffer.byteLength) (chunk.buffer as ArrayBuffer).transfer(0);
    }
  }
}
