import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { refusedByDisk } from "../disk.ts";
import { EndMark, markedEnd, refuseShortened } from "../end-mark.ts";

/** Where a line is in its file, in bytes; `length` without the line break. */
export type Place = { offset: number; length: number };
export type PlacedLine = Place & { text: string };

const NEW_LINE = 0x0a;
const CHUNK_BYTES = 256 * 1_024;

/**
 * An append-only file of lines. Writing is synchronous, so when `append` returns, the operating
 * system has the data (it survives `kill -9`, but not a power failure), and no reader gets an
 * incomplete state.
 */
export class LineFile {
  readonly #path: string;
  readonly #file: number;
  readonly #mark: EndMark;
  #end: number;

  /**
   * Opens or creates the file; an incomplete last line of a killed process is cut off. `name` is
   * the path that the file will have, `toMove` as in `damaged`. Throws `DamagedStateError` where
   * the file was cut off.
   */
  constructor(path: string, { name = path, toMove }: { name?: string; toMove?: string } = {}) {
    const marked = markedEnd(path, `${name}.end`);
    this.#path = name;
    this.#file = openSync(path, "a+", 0o600);
    const size = fstatSync(this.#file).size;
    this.#end = this.#endOfLastLine(size);
    refuseShortened(path, { size, whole: this.#end, marked }, toMove);
    if (this.#end < size) ftruncateSync(this.#file, this.#end);
    this.#mark = new EndMark(`${name}.end`, this.#file);
    this.#markEnd(this.#end);
  }

  #markEnd(end: number): void {
    try {
      this.#mark.write(end);
    } catch (error) {
      throw refusedByDisk(error, this.#path);
    }
  }

  /** Bytes of whole lines: where the next one starts. */
  get end(): number {
    return this.#end;
  }

  #endOfLastLine(size: number): number {
    for (let chunkEnd = size; chunkEnd > 0; ) {
      const chunkStart = Math.max(0, chunkEnd - CHUNK_BYTES);
      const found = this.#bytes(chunkStart, chunkEnd - chunkStart).lastIndexOf(NEW_LINE);
      if (found !== -1) return chunkStart + found + 1;
      chunkEnd = chunkStart;
    }
    return 0;
  }

  #bytes(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const read = readSync(this.#file, buffer, filled, length - filled, offset + filled);
      if (read === 0) throw new RangeError(`The file ends before byte ${offset + length}`);
      filled += read;
    }
    return buffer;
  }

  /** Appends lines, all or none: throws, and leaves the file unchanged, when the disk is full. */
  append(lines: readonly string[]): Place[] {
    const places: Place[] = [];
    let offset = this.#end;
    for (const line of lines) {
      const length = Buffer.byteLength(line);
      places.push({ offset, length });
      offset += length + 1;
    }
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written);
      this.#mark.write(offset);
    } catch (error) {
      ftruncateSync(this.#file, this.#end);
      throw refusedByDisk(error, this.#path);
    }
    this.#end = offset;
    return places;
  }

  read({ offset, length }: Place): string {
    return this.#bytes(offset, length).toString("utf8");
  }

  /**
   * The lines from byte `from`, where one must start, to byte `until`; the file may grow meanwhile.
   */
  *lines(from: number, until: number): Generator<PlacedLine> {
    let rest: Buffer = Buffer.alloc(0);
    let restOffset = from;
    for (let at = from; at < until; ) {
      const chunk = this.#bytes(at, Math.min(CHUNK_BYTES, until - at));
      at += chunk.length;
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = rest.indexOf(NEW_LINE); end !== -1; end = rest.indexOf(NEW_LINE, start)) {
        yield { offset: restOffset + start, length: end - start, text: rest.toString("utf8", start, end) };
        start = end + 1;
      }
      rest = rest.subarray(start);
      restOffset += start;
    }
  }

  close(): void {
    closeSync(this.#file);
    this.#mark.close();
  }
}
