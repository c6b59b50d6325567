import { open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { readFully } from "../process/read-fully.ts";

/** What is read of a file at a time. */
const CHUNK_BYTES = 1024 * 1024;

/** A file of consecutive blocks, of which any may be missing. */
type DiskFile = {
  path: string;
  /** The blocks that are in it, by number. */
  blocks: Set<number>;
};

/**
 * Blocks of a source in files of some MB each, so that a part of them can be removed. No file stays
 * open. All methods throw what the system does.
 */
export class DiskFiles {
  readonly #folder: string;
  readonly #blockBytes: number;
  readonly #blocksPerFile: number;
  /** By number. Those that were read come last, in the order of their last reading. */
  readonly #files = new Map<number, DiskFile>();
  readonly #read = new Set<number>();

  constructor(folder: string, blockBytes: number, fileBytes: number) {
    this.#folder = folder;
    this.#blockBytes = blockBytes;
    this.#blocksPerFile = Math.max(1, Math.floor(fileBytes / blockBytes));
  }

  has(block: number): boolean {
    return this.#files.get(this.#fileOf(block))?.blocks.has(block) ?? false;
  }

  /** The block after the last one that can be written, or read, together with this one. */
  endOf(block: number): number {
    return (this.#fileOf(block) + 1) * this.#blocksPerFile;
  }

  /** Writes consecutive blocks of one file. */
  async write(first: number, blocks: readonly Uint8Array[]): Promise<void> {
    const number = this.#fileOf(first);
    const known = this.#files.get(number) ?? { path: join(this.#folder, String(number)), blocks: new Set() };
    this.#files.set(number, known);
    const file = await open(known.path, known.blocks.size === 0 ? "w" : "r+", 0o600);
    try {
      const bytes = blocks.reduce((sum, { length }) => sum + length, 0);
      const { bytesWritten } = await file.writev(blocks, this.#positionOf(first));
      if (bytesWritten !== bytes) throw new Error(`${bytesWritten} of ${bytes} bytes were written to ${known.path}`);
    } finally {
      await file.close();
    }
    for (const offset of blocks.keys()) known.blocks.add(first + offset);
  }

  /**
   * Bytes of blocks that are in the file of block `first`, beginning `skipped` bytes behind its
   * start.
   */
  async *read(first: number, skipped: number, bytes: number): AsyncGenerator<Uint8Array> {
    const number = this.#fileOf(first);
    const file = await open(this.#files.get(number)!.path, "r");
    this.#read.delete(number);
    this.#read.add(number);
    try {
      const start = this.#positionOf(first) + skipped;
      for (let at = 0; at < bytes; at += CHUNK_BYTES)
        yield await readFully(file, start + at, Math.min(CHUNK_BYTES, bytes - at));
    } finally {
      await file.close();
    }
  }

  /**
   * Removes the file that is needed least: the one that was read longest ago, or the last one of
   * the source where none was read. Resolves with whether there was one.
   */
  async removeOne(): Promise<boolean> {
    const [oldest] = this.#read;
    const number = oldest ?? [...this.#files.keys()].reduce((last, one) => Math.max(last, one), -1);
    const file = this.#files.get(number);
    if (file === undefined) return false;
    this.#files.delete(number);
    this.#read.delete(number);
    await unlink(file.path);
    return true;
  }

  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  #fileOf(block: number): number {
    return Math.floor(block / this.#blocksPerFile);
  }

  #positionOf(block: number): number {
    return (block % this.#blocksPerFile) * this.#blockBytes;
  }
}
