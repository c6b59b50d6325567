import { rm } from "node:fs/promises";
import type { Log } from "../../video/ports/log.ts";
import { DiskFiles } from "./disk-files.ts";
import { freeOnDisk } from "./free-space.ts";
import type { RangedSource } from "./ranged-source.ts";

/** What may be kept on disk of a source, in bytes. */
export type DiskLimits = {
  /** No more is kept where less than this is free. */
  minFreeToKeep: number;
  /** And what was kept is removed, until so much is free. */
  minFree: number;
  /** What is removed as one. */
  fileBytes: number;
  /** What may wait to be written: the disk never holds up the reading. */
  maxWaitingBytes: number;
};

const MB = 1024 * 1024;

/**
 * Of segments 256 MB are on disk, or three, and the one that is being made:
 * docs/decisions/memory.md
 */
export const DISK: DiskLimits = {
  minFreeToKeep: 512 * MB,
  minFree: 256 * MB,
  fileBytes: 16 * MB,
  // Most of it is in memory anyway, to be read again.
  maxWaitingBytes: 32 * MB,
};

export type DiskOptions = {
  /** Makes a folder that is private, and whoever asked for it removes. */
  makeFolder: () => Promise<string>;
  log: Log;
  limits?: DiskLimits;
  /** Bytes that are free on the disk of a folder. Default: as the system says. */
  freeBytes?: (folder: string) => Promise<number>;
};

/** Where a block is read from. In memory are those that wait to be written. */
type Place = "disk" | "memory" | "source";

/** A folder of files, once the first block is to be kept. */
type Kept = { folder: string; files: DiskFiles };

/**
 * A source of which blocks are kept on disk, and read from there the next time. Blocks are numbered
 * from its start. What can't be written, or for which the disk has no room, is read from the source
 * again: no reading fails for it.
 */
export class KeptSource implements RangedSource {
  readonly size: number;
  readonly #source: RangedSource;
  readonly #blockBytes: number;
  readonly #options: DiskOptions;
  readonly #limits: DiskLimits;
  readonly #waiting = new Map<number, Uint8Array>();
  #waitingBytes = 0;
  #kept: Kept | undefined;
  #isWriting = false;
  #isClosed = false;
  /** The last of what is done on the disk: writing and removing come one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: RangedSource, blockBytes: number, options: DiskOptions) {
    this.size = source.size;
    this.#source = source;
    this.#blockBytes = blockBytes;
    this.#options = options;
    this.#limits = options.limits ?? DISK;
  }

  /**
   * Keeps a whole block, later and if it can. It must not be changed any more. Returns whether it
   * needs the bytes.
   */
  keep(block: number, bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#waiting.has(block) || this.#kept?.files.has(block)) return false;
    if (this.#waitingBytes + bytes.length > this.#limits.maxWaitingBytes) return false;
    this.#waiting.set(block, bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isWriting) void this.#writeWaiting();
    return true;
  }

  async *read(start: number, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    await this.#makeRoom();
    for (let at = start; at <= end && !signal.aborted; ) {
      const block = Math.floor(at / this.#blockBytes);
      const place = this.#placeOf(block);
      const until = Math.min(end + 1, this.#endOfRun(block, place, end) * this.#blockBytes);
      for await (const chunk of this.#chunksFrom(place, block, at, until, signal)) {
        yield chunk;
        at += chunk.length;
      }
      if (place === "source" && at < until) return;
    }
  }

  /** Nothing is kept any more, and the disk is as before. Reading goes on from the source. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#forgetWaiting();
    await this.#sequentially(() => this.#remove());
  }

  #placeOf(block: number): Place {
    if (this.#waiting.has(block)) return "memory";
    return this.#kept?.files.has(block) ? "disk" : "source";
  }

  /** The block after the last one that is read together with `block`, up to byte `end`. */
  #endOfRun(block: number, place: Place, end: number): number {
    const last = Math.floor(end / this.#blockBytes);
    const most = place === "disk" ? Math.min(last, this.#kept!.files.endOf(block) - 1) : last;
    let next = block + 1;
    while (next <= most && this.#placeOf(next) === place) next += 1;
    return next;
  }

  /** What comes first of bytes `at` to `until`, the last not included. */
  #chunksFrom(place: Place, block: number, at: number, until: number, signal: AbortSignal) {
    switch (place) {
      case "source":
        return this.#source.read(at, until - 1, signal);
      case "disk":
        return this.#readKept(block, at, until - at);
      case "memory": {
        const start = block * this.#blockBytes;
        return [this.#waiting.get(block)!.subarray(at - start, until - start)];
      }
    }
  }

  /** Ends early where it can't be read: then it's kept no longer. */
  async *#readKept(block: number, at: number, bytes: number): AsyncGenerator<Uint8Array> {
    const { files } = this.#kept!;
    try {
      yield* files.read(block, at - block * this.#blockBytes, bytes);
    } catch (error) {
      // Unless it was removed in the meantime, to make room.
      if (files.has(block)) await this.#turnOff(error);
    }
  }

  /** After what else is done on the disk. Never throws. */
  #sequentially(job: () => Promise<void>): Promise<void> {
    const done = this.#last.then(job).catch((error: unknown) => {
      this.#fail(error);
      return this.#remove().catch(() => {});
    });
    this.#last = done;
    return done;
  }

  async #writeWaiting(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.size > 0) await this.#sequentially(() => this.#writeSome());
    this.#isWriting = false;
  }

  /** Writes the block that waits longest, and those behind it that go with it. */
  async #writeSome(): Promise<void> {
    if (this.#isClosed) return;
    this.#kept ??= await this.#open();
    const { folder, files } = this.#kept;
    if ((await this.#freeBytes(folder)) < this.#limits.minFreeToKeep) return this.#forgetWaiting();
    const [first] = this.#waiting.keys();
    if (first === undefined) return;
    const blocks: Uint8Array[] = [];
    for (let next = first; next < files.endOf(first); next += 1) {
      const bytes = this.#waiting.get(next);
      if (bytes === undefined) break;
      blocks.push(bytes);
    }
    await files.write(first, blocks);
    for (const [offset, { length }] of blocks.entries())
      if (this.#waiting.delete(first + offset)) this.#waitingBytes -= length;
  }

  async #open(): Promise<Kept> {
    const folder = await this.#options.makeFolder();
    return { folder, files: new DiskFiles(folder, this.#blockBytes, this.#limits.fileBytes) };
  }

  /** Segments must never lack room for what is kept here. */
  async #makeRoom(): Promise<void> {
    const { folder, files } = this.#kept ?? {};
    if (folder === undefined || files === undefined || files.isEmpty) return;
    const isLow = async (): Promise<boolean> => (await this.#freeBytes(folder)) < this.#limits.minFree;
    try {
      if (!(await isLow())) return;
    } catch (error) {
      return this.#turnOff(error);
    }
    await this.#sequentially(async () => {
      while ((await isLow()) && (await files.removeOne()));
    });
  }

  #freeBytes(folder: string): Promise<number> {
    return (this.#options.freeBytes ?? freeOnDisk)(folder);
  }

  #forgetWaiting(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  async #turnOff(error: unknown): Promise<void> {
    this.#fail(error);
    await this.#sequentially(() => this.#remove());
  }

  /** What fails on the disk costs a second reading at most. */
  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forgetWaiting();
    this.#options.log.warn("The source isn't kept on disk any more. What is needed again is fetched again", {
      since: String(error),
    });
  }

  async #remove(): Promise<void> {
    const folder = this.#kept?.folder;
    this.#kept = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
