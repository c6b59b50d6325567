import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { diskFullOr } from "../process/errors.ts";
import { readFully } from "../process/read-fully.ts";

/** Size of the writes that packets are collected into, and of the reads. */
const CHUNK_BYTES = 1024 * 1024;

/** Buffers of `CHUNK_BYTES` that no spool uses. */
const spare: Buffer<ArrayBuffer>[] = [];
const MAX_SPARE = 8;

const takeBuffer = (): Buffer<ArrayBuffer> => spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);

function giveBuffer(buffer: Buffer<ArrayBuffer>): void {
  if (spare.length < MAX_SPARE) spare.push(buffer);
  else buffer.buffer.transfer(0);
}

/** A folder of temporary files. Removing it closes and removes its files. */
export class SpoolFolder {
  readonly path: string;
  readonly #spools = new Set<Spool>();
  #removed = false;

  private constructor(path: string) {
    this.path = path;
  }

  /** Throws `DiskFullError`. */
  static async create(path: string): Promise<SpoolFolder> {
    await mkdir(path, { recursive: true }).catch((error: unknown) => {
      throw diskFullOr(error);
    });
    return new SpoolFolder(path);
  }

  /** Creates a temporary file. */
  spool(name: string): Spool {
    if (this.#removed) throw new Error(`The folder ${this.path} was removed`);
    const spool = new Spool(join(this.path, name), () => this.#spools.delete(spool));
    this.#spools.add(spool);
    return spool;
  }

  /** Waits for pending writes. Afterwards no file can be created or written. */
  async remove(): Promise<void> {
    this.#removed = true;
    await Promise.all([...this.#spools].map((spool) => spool.remove()));
    await rm(this.path, { recursive: true, force: true });
  }
}

/**
 * A temporary file that is written to its end, then read, then removed. It's created with its first
 * MB, or when it's read. All methods throw `DiskFullError` when there's no space.
 */
export class Spool {
  readonly path: string;
  readonly #onRemoved: () => void;
  #file: Promise<FileHandle> | undefined;
  /** What isn't written yet is at its start. */
  #buffer: Buffer<ArrayBuffer> | undefined;
  #bufferedBytes = 0;
  #writtenBytes = 0;
  #removed = false;

  constructor(path: string, onRemoved: () => void) {
    this.path = path;
    this.#onRemoved = onRemoved;
  }

  /**
   * Appends a copy of the data, which is made before this returns. Concurrent writes are stored in
   * the order of the calls.
   */
  async write(data: Buffer): Promise<void> {
    const flushes: Promise<void>[] = [];
    for (let at = 0; at < data.length; ) {
      this.#buffer ??= takeBuffer();
      const copied = data.copy(this.#buffer, this.#bufferedBytes, at);
      this.#bufferedBytes += copied;
      at += copied;
      if (this.#bufferedBytes === CHUNK_BYTES) flushes.push(this.flush());
    }
    await Promise.all(flushes);
  }

  /** Writes the buffered data. After this, others can open the file by its path. */
  async flush(): Promise<void> {
    const buffer = this.#buffer;
    const bytes = this.#bufferedBytes;
    const position = this.#writtenBytes;
    this.#buffer = undefined;
    this.#bufferedBytes = 0;
    this.#writtenBytes += bytes;
    try {
      const file = await this.#opened();
      for (let written = 0; buffer !== undefined && written < bytes; )
        written += (await file.write(buffer, written, bytes - written, position + written)).bytesWritten;
    } catch (error) {
      throw diskFullOr(error);
    } finally {
      if (buffer !== undefined) giveBuffer(buffer);
    }
  }

  /**
   * The whole content. Throws `UnexpectedEndOfFileError` when the file is shorter than what was
   * written.
   */
  async *chunks(): AsyncGenerator<Buffer> {
    await this.flush();
    for (let at = 0; at < this.#writtenBytes; at += CHUNK_BYTES)
      yield await readFully(await this.#opened(), at, Math.min(CHUNK_BYTES, this.#writtenBytes - at));
  }

  /**
   * Passes on the bytes from `start` to before `end`, in chunks. Those of a chunk are gone when `sink`
   * has resolved. Throws as `chunks` does.
   */
  async passOn(start: number, end: number, sink: (data: Buffer) => Promise<void>): Promise<void> {
    await this.flush();
    const file = await this.#opened();
    const buffer = takeBuffer();
    try {
      for (let at = start; at < end; at += CHUNK_BYTES) {
        const bytes = Math.min(CHUNK_BYTES, end - at);
        await readFully(file, at, bytes, buffer);
        await sink(buffer.subarray(0, bytes));
      }
    } finally {
      giveBuffer(buffer);
    }
  }

  /** Closes and removes the file, after pending writes. */
  async remove(): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    if (this.#buffer !== undefined) giveBuffer(this.#buffer);
    this.#buffer = undefined;
    this.#bufferedBytes = 0;
    const file = await this.#file?.catch(() => undefined);
    await file?.close();
    await rm(this.path, { force: true });
    this.#onRemoved();
  }

  #opened(): Promise<FileHandle> {
    if (this.#removed) throw new Error(`${this.path} was removed`);
    this.#file ??= open(this.path, "w+");
    return this.#file;
  }
}
