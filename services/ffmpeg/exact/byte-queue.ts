import { Condition } from "../process/condition.ts";

/** A queue of bytes between two tasks, first in, first out. The writer can wait for room. */
export class ByteQueue {
  readonly #maxBytes: number;
  readonly #signal: AbortSignal;
  readonly #changed = new Condition();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #closed = false;

  /** Aborting `signal` ends all waiting with its reason. */
  constructor(maxBytes: number, signal: AbortSignal) {
    this.#maxBytes = maxBytes;
    this.#signal = signal;
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
    }
  }
}
