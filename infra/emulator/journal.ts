import { closeSync, existsSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { orDamaged } from "./damage.ts";
import { refusedByDisk } from "./disk.ts";
import { EndMark, markedEnd, refuseShortened } from "./end-mark.ts";

/** Line separators are plain characters to JSON, but ends of lines to `readLines`. */
const toLine = (change: unknown): string =>
  JSON.stringify(change).replace(/[\u2028\u2029]/g, (separator) => (separator === "\u2028" ? "\\u2028" : "\\u2029"));

const markOf = (path: string): string => `${path}.end`;

const NEW_LINE = 0x0a;

/** Whether the last line of a file of so many bytes has its end. */
async function isFinished(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === NEW_LINE;
}

/**
 * An append-only file of JSON lines: one line, one change. Writing is synchronous, so that checking
 * a condition and recording the change is one step for all others, and the operating system has a
 * change (safe from `kill -9`, not from a power cut) before it is visible.
 */
export class Journal<Change> {
  readonly #path: string;
  readonly #file: number;
  readonly #mark: EndMark;
  #length = 0;

  private constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    this.#mark = new EndMark(markOf(path), file);
  }

  /**
   * Applies the changes of the file, without an incomplete last line of a killed process, and
   * returns how many there were; 0 if there is no file. Throws `DamagedStateError` where the file
   * was cut off, or a line is not JSON or can't be applied. `toMove` as in `damaged`.
   */
  static async replay(path: string, apply: (change: unknown) => void, toMove?: string): Promise<number> {
    if (!existsSync(path)) return 0;
    const marked = markedEnd(path, markOf(path));
    await using file = await open(path);
    const { size } = await file.stat();
    const finished = await isFinished(file, size);
    let count = 0;
    let last: string | undefined;
    const applyLine = (line: string): void => {
      count += 1;
      orDamaged(path, `line ${count}`, () => apply(JSON.parse(line)), toMove);
    };
    for await (const line of file.readLines({ start: 0, autoClose: false })) {
      if (last !== undefined) applyLine(last);
      last = line;
    }
    const whole = finished ? size : size - Buffer.byteLength(last ?? "");
    refuseShortened(path, { size, whole, marked }, toMove);
    if (last !== undefined && finished) applyLine(last);
    return count;
  }

  /**
   * Replaces the file by one with these changes only, in one step, and opens it. Throws
   * `DiskFullError`.
   */
  static rewrite<Change>(path: string, changes: Iterable<Change>): Journal<Change> {
    const fresh = `${path}.new`;
    try {
      const journal = new Journal<Change>(path, openSync(fresh, "w", 0o600));
      for (const change of changes) journal.append(change);
      renameSync(fresh, path);
      return journal;
    } catch (error) {
      rmSync(fresh, { force: true });
      throw refusedByDisk(error, path);
    }
  }

  /**
   * Throws, and leaves the file unchanged, when it can't be written: `DiskFullError` where the disk
   * is full.
   */
  append(change: Change): void {
    const bytes = Buffer.from(`${toLine(change)}\n`);
    try {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.#file, bytes, at, bytes.length - at, this.#length + at);
      }
      this.#mark.write(this.#length + bytes.length);
    } catch (error) {
      ftruncateSync(this.#file, this.#length);
      throw refusedByDisk(error, this.#path);
    }
    this.#length += bytes.length;
  }

  close(): void {
    closeSync(this.#file);
    this.#mark.close();
  }
}
