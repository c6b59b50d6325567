import { closeSync, fstatSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { damaged } from "./damage.ts";

const WIDTH = 48;

/**
 * Stores, in a file beside an append-only file, where that one ended after its last complete line.
 * So a truncated file can be distinguished from one whose last line a killed process left
 * incomplete. The mark names the file's inode: it doesn't apply to a file that replaces this one,
 * or to a copy.
 */
export class EndMark {
  readonly #mark: number;
  readonly #inode: bigint;

  /** `file` is open; its end is marked when `write` is called. */
  constructor(path: string, file: number) {
    this.#inode = fstatSync(file, { bigint: true }).ino;
    this.#mark = openSync(path, "w", 0o600);
  }

  /** Overwrites the mark in place, in one write. Throws where the disk is full. */
  write(length: number): void {
    writeSync(this.#mark, `${this.#inode} ${length}`.padEnd(WIDTH), 0);
  }

  close(): void {
    closeSync(this.#mark);
  }
}

/** The end of a file by its mark; undefined if it has no mark. */
export function markedEnd(path: string, markPath: string): number | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || statSync(markPath, { throwIfNoEntry: false }) === undefined) return undefined;
  const [inode, length] = readFileSync(markPath, "utf8").split(/\s+/);
  return inode === String(stats.ino) && /^\d+$/.test(length ?? "") ? Number(length) : undefined;
}

/**
 * Throws `DamagedStateError` if a file has fewer complete lines than its mark says, or, without a
 * mark, none. `size` and `whole` are in bytes; `toMove` as in `damaged`.
 */
export function refuseShortened(
  path: string,
  { size, whole, marked }: { size: number; whole: number; marked: number | undefined },
  toMove?: string,
): void {
  const least = marked ?? Math.min(size, 1);
  if (whole >= least) return;
  const what = marked === undefined ? "it has no line" : `${whole} of its ${marked} bytes are left`;
  throw damaged(path, what, toMove === undefined ? {} : { toMove });
}
