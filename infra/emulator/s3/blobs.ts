import { randomUUID } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { damaged } from "../damage.ts";
import { refusedByDisk } from "../disk.ts";

/** A run of bytes in a blob. An object is a list of them, so parts are never copied together. */
export type Extent = { blob: string; start: number; length: number };

/** Larger than the default 64 KiB: fewer tasks of the thread pool per gigabyte. */
const READ_BYTES = 256 * 1024;
/** Bytes that may wait for the disk before the client must wait. */
const BUFFERED_BYTES = 1024 * 1024;

/**
 * Immutable files of content. A blob exists as long as it is held by a stored object, a part, or a
 * request that is still sending it. Blobs that weren't held when the process was killed are removed
 * on the next open.
 */
export class Blobs {
  readonly #directory: string;
  readonly #holders = new Map<string, number>();
  readonly #removals = new Set<Promise<void>>();
  #isLoaded = false;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<Blobs> {
    await mkdir(directory, { recursive: true });
    return new Blobs(directory);
  }

  /**
   * Writes a stream into a new blob, held once for the caller, who must `release` it. `observe` is
   * called with each chunk. If the stream fails, no file is left.
   */
  async write(content: AsyncIterable<Buffer>, observe: (chunk: Buffer) => void): Promise<Extent[]> {
    const blob = randomUUID();
    const path = join(this.#directory, blob);
    let length = 0;
    async function* observed(): AsyncGenerator<Buffer> {
      for await (const chunk of content) {
        observe(chunk);
        length += chunk.length;
        yield chunk;
      }
    }
    try {
      const file = await open(path, "wx", 0o600);
      await pipeline(observed, file.createWriteStream({ highWaterMark: BUFFERED_BYTES }));
    } catch (error) {
      await rm(path, { force: true });
      throw refusedByDisk(error, path);
    }
    const extents = [{ blob, start: 0, length }];
    this.hold(extents);
    if (length > 0) return extents;
    this.release(extents);
    return [];
  }

  async *read(extents: readonly Extent[]): AsyncGenerator<Buffer> {
    for (const { blob, start, length } of extents) {
      yield* createReadStream(join(this.#directory, blob), {
        start,
        end: start + length - 1,
        highWaterMark: READ_BYTES,
      });
    }
  }

  hold(extents: readonly Extent[]): void {
    for (const { blob } of extents) this.#holders.set(blob, (this.#holders.get(blob) ?? 0) + 1);
  }

  /**
   * Removes blobs that aren't held any more. Before `removeUnheld` it only counts: a later change
   * of the journal may hold one again.
   */
  release(extents: readonly Extent[]): void {
    for (const { blob } of extents) {
      const holders = (this.#holders.get(blob) ?? 0) - 1;
      if (holders > 0) {
        this.#holders.set(blob, holders);
      } else {
        this.#holders.delete(blob);
        if (this.#isLoaded) this.#remove(blob);
      }
    }
  }

  async isEmpty(): Promise<boolean> {
    return (await readdir(this.#directory)).length === 0;
  }

  /**
   * Throws `DamagedStateError` where a file is missing or shorter than what it holds; `toMove` as
   * in `damaged`.
   */
  check(extents: readonly Extent[], content: string, toMove: string): void {
    for (const { blob, start, length } of extents) {
      const path = join(this.#directory, blob);
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size !== undefined && size >= start + length) continue;
      const what = size === undefined ? "it is missing" : `it has ${size} bytes and had ${start + length} or more`;
      throw damaged(path, `it contains ${content}, and ${what}`, { toMove });
    }
  }

  /** Removes every file that is not held. Only safe before the first write. */
  async removeUnheld(): Promise<void> {
    this.#isLoaded = true;
    for (const name of await readdir(this.#directory)) {
      if (!this.#holders.has(name)) await rm(join(this.#directory, name), { force: true });
    }
  }

  /** Waits until what was released is removed from the disk. */
  async settle(): Promise<void> {
    await Promise.all(this.#removals);
  }

  #remove(blob: string): void {
    const removal = rm(join(this.#directory, blob), { force: true }).catch((error: Error) => {
      // The object is deleted anyway; the file is removed on the next open.
      process.emitWarning(error);
    });
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }
}

/** The bytes from `start`, `length` of them. Both must be within the extents. */
export function slice(extents: readonly Extent[], start: number, length: number): Extent[] {
  const sliced: Extent[] = [];
  let skip = start;
  let left = length;
  for (const extent of extents) {
    const from = Math.min(skip, extent.length);
    const taken = Math.min(extent.length - from, left);
    if (taken > 0) sliced.push({ blob: extent.blob, start: extent.start + from, length: taken });
    skip -= from;
    left -= taken;
  }
  return sliced;
}
