import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { diskFullOr } from "../process/errors.ts";
import { readFully } from "../process/read-fully.ts";

/** Size of the writes that packets are collected into, and of the reads. */
const CHUNK_BYTES = 1024 * 1024;

/** What is left of the data behind its first `bytes`. */
function behind(data: readonly Buffer[], bytes: number): Buffer[] {
  let passed = 0;
  return data.flatMap((one) => {
    const from = Math.max(0, bytes - passed);
    passed += one.length;
    return from < one.length ? [one.subarray(from)] : [];
  });
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
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #writtenBytes = 0;
  #removed = false;

  constructor(path: string, onRemoved: () => void) {
    this.path = path;
    this.#onRemoved = onRemoved;
  }

  /** Appends data. Concurrent writes are stored in the order of the calls. */
  async write(data: Buffer): Promise<void> {
    this.#gathered.push(data);
    this.#gatheredBytes += data.length;
    if (this.#gatheredBytes >= CHUNK_BYTES) await this.flush();
  }

  /** Writes the buffered data. After this, others can open the file by its path. */
  async flush(): Promise<void> {
    let left: readonly Buffer[] = this.#gathered;
    let position = this.#writtenBytes;
    this.#writtenBytes += this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    try {
      const file = await this.#opened();
      while (left.length > 0) {
        const { bytesWritten } = await file.writev(left, position);
        position += bytesWritten;
        left = behind(left, bytesWritten);
      }
    } catch (error) {
      throw diskFullOr(error);
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

  /** Closes and removes the file, after pending writes. */
  async remove(): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    this.#gathered = [];
    this.#gatheredBytes = 0;
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
