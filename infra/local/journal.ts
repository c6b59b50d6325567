import { closeSync, existsSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";

/** Line separators are plain characters to JSON, but ends of lines to `readLines`. */
const toLine = (change: unknown): string =>
  JSON.stringify(change).replace(/[\u2028\u2029]/g, (separator) => (separator === "\u2028" ? "\\u2028" : "\\u2029"));

/**
 * An append-only file of JSON lines: one line, one change. Writing is synchronous, so that checking a condition and
 * recording the change is one step for everybody else, and a change is with the operating system (safe from `kill -9`, not
 * from a power cut) before anybody sees it.
 */
export class Journal<Change> {
  readonly #file: number;
  #length = 0;

  private constructor(file: number) {
    this.#file = file;
  }

  /**
   * The changes of the file, without a last line that a dying process left unfinished; none if there is no file. Throws
   * `SyntaxError` for damage anywhere else.
   */
  static async *read<Change>(path: string): AsyncGenerator<Change> {
    if (!existsSync(path)) return;
    await using file = await open(path);
    let damage: unknown;
    for await (const line of file.readLines()) {
      if (damage !== undefined) throw damage;
      let change: Change;
      try {
        change = JSON.parse(line);
      } catch (error) {
        damage = error;
        continue;
      }
      yield change;
    }
  }

  /** Replaces the file by one with these changes only, in one step, and opens it. */
  static rewrite<Change>(path: string, changes: Iterable<Change>): Journal<Change> {
    const fresh = `${path}.new`;
    const journal = new Journal<Change>(openSync(fresh, "w", 0o600));
    for (const change of changes) journal.append(change);
    renameSync(fresh, path);
    return journal;
  }

  /** Throws, and leaves the file as it was, when the disk refuses. */
  append(change: Change): void {
    const bytes = Buffer.from(`${toLine(change)}\n`);
    try {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.#file, bytes, at, bytes.length - at, this.#length + at);
      }
    } catch (error) {
      ftruncateSync(this.#file, this.#length);
      throw error;
    }
    this.#length += bytes.length;
  }

  close(): void {
    closeSync(this.#file);
  }
}
