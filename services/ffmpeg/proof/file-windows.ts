import type { FileHandle } from "node:fs/promises";
import { readFully } from "../process/read-fully.ts";

/** Bytes that are read at once. Most packets are within one window. */
const WINDOW_BYTES = 512 * 1024;

type Window = { buffer: Buffer<ArrayBuffer>; start: number; end: number };

const emptyWindow = (): Window => ({ buffer: Buffer.allocUnsafeSlow(WINDOW_BYTES), start: 0, end: 0 });

/**
 * Reads a file in windows, into two buffers that are used again and again: memory that is allocated
 * for each read makes V8 collect garbage for a third of the CPU time that the reading takes.
 */
export class FileWindows {
  readonly #file: Pick<FileHandle, "read">;
  readonly #size: number;
  #current = emptyWindow();
  #other = emptyWindow();
  /** Windows are filled one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** `size`: of the file, in bytes. */
  constructor(file: Pick<FileHandle, "read">, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /**
   * Bytes `start` to `end`, the last not included. Copy them at once: a later read may overwrite
   * them. Throws as `readFully`.
   */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array> {
    if (end - start > WINDOW_BYTES) return readFully(this.#file, start, end - start);
    return this.#found(start, end) ?? this.#fill(start, end);
  }

  #found(start: number, end: number): Uint8Array | undefined {
    const { buffer, start: first, end: last } = this.#current;
    return start >= first && end <= last ? buffer.subarray(start - first, end - first) : undefined;
  }

  /** Copies what is there from `start` on. Returns how many bytes that is. */
  #copyTo(buffer: Buffer, start: number): number {
    const { buffer: from, start: first, end } = this.#current;
    return start >= first && start < end ? from.copy(buffer, 0, start - first, end - first) : 0;
  }

  async #fill(start: number, end: number): Promise<Uint8Array> {
    const filling = this.#last.then(async () => {
      const found = this.#found(start, end);
      if (found !== undefined) return found;
      // The other buffer: whoever gets the bytes of the current one may not have copied them yet.
      const { buffer } = this.#other;
      const length = Math.max(end - start, Math.min(WINDOW_BYTES, this.#size - start));
      const copied = this.#copyTo(buffer, start);
      await readFully(this.#file, start + copied, length - copied, buffer.subarray(copied));
      this.#other = this.#current;
      this.#current = { buffer, start, end: start + length };
      return buffer.subarray(0, end - start);
    });
    this.#last = filling.catch(() => {});
    return filling;
  }
}
