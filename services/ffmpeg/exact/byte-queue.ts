import { Condition } from "../process/condition.ts";

/**
 * Bytes on their way from one task to another: first in, first out, and the writer waits for room.
 */
export class ByteQueue {
  readonly #maxBytes: number;
  readonly #signal: AbortSignal;
  readonly #changed = new Condition();
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #closed = false;

  /** `signal` ends all waiting with its reason. */
  constructor(maxBytes: number, signal: AbortSignal) {
    this.#maxBytes = maxBytes;
    this.#signal = signal;
  }

  /** How much isn't read yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a chunk without waiting, whether there's room or not. Dropped where nobody reads any more.
   */
  add(chunk: Buffer): void {
    if (this.#closed) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#changed.notify();
  }

  /** Resolves when there's room for more, or nobody reads any more. */
  room(): Promise<void> {
    return this.#changed.waitFor(() => this.#closed || this.#bytes <= this.#maxBytes, this.#signal);
  }

  /** No more is added. */
  end(): void {
    this.#ended = true;
    this.#changed.notify();
  }

  /** Nobody reads any more. */
  close(): void {
    this.#closed = true;
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.#changed.notify();
  }

  /** The chunks in their order, until it was ended, or closed. For one reader. */
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
