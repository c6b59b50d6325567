import { LineSplitter } from "./lines.ts";
import type { SourceAddress } from "./sandbox.ts";

/** How much of stderr goes into an error. */
const MAX_TAIL_LINES = 8;
const MAX_TAIL_LINE_LENGTH = 300;
/** How much of a line is looked at. */
const MAX_LINE_LENGTH = 4_096;

/** ffmpeg's words for ENOSPC and EDQUOT, at the end of a line that begins with what failed. */
const DISK_FULL = /: (No space left on device|Disk quota exceeded)$/;

/**
 * How programs say that they got no memory: ENOMEM in glibc's words and in musl's, x264 and x265,
 * what C++ throws, and threads that can't be started.
 */
const OUT_OF_MEMORY =
  /: (Cannot allocate memory|Out of memory)$|malloc of size \d+ failed|std::bad_alloc|pthread_create(\(\))? failed/;

/** ffmpeg's words for more tracks than -max_streams. */
const TOO_MANY_STREAMS = /exceeds max_streams/;

/**
 * The last lines of a process's stderr, bounded: a hostile file can make ffmpeg print without end.
 */
export class StderrTail {
  readonly #splitter = new LineSplitter(MAX_LINE_LENGTH);
  readonly #lines: string[] = [];
  readonly #source: SourceAddress | undefined;
  #reportsDiskFull = false;
  #reportsOutOfMemory = false;
  #reportsTooManyStreams = false;

  /** Logs must not contain how `source` was reached: its address and its secret are replaced. */
  constructor(source?: SourceAddress) {
    this.#source = source;
  }

  push(chunk: Buffer): void {
    for (const line of this.#splitter.push(chunk)) this.#add(line);
  }

  end(): void {
    for (const line of this.#splitter.end()) this.#add(line);
  }

  #add(line: string): void {
    const { url, secret } = this.#source ?? {};
    const clean = [url, secret]
      .reduce((text, hidden) => (hidden ? text!.replaceAll(hidden, "source") : text), line)!
      .trim();
    if (clean === "") return;
    this.#reportsDiskFull ||= DISK_FULL.test(clean);
    this.#reportsOutOfMemory ||= OUT_OF_MEMORY.test(clean);
    this.#reportsTooManyStreams ||= TOO_MANY_STREAMS.test(clean);
    this.#lines.push(clean.slice(0, MAX_TAIL_LINE_LENGTH));
    if (this.#lines.length > MAX_TAIL_LINES) this.#lines.shift();
  }

  /** Whether any line, also one before the last ones, says that the disk is full. */
  get reportsDiskFull(): boolean {
    return this.#reportsDiskFull;
  }

  /** Whether any line says that there was no memory. */
  get reportsOutOfMemory(): boolean {
    return this.#reportsOutOfMemory;
  }

  /** Whether any line says that the file has more tracks than are read. */
  get reportsTooManyStreams(): boolean {
    return this.#reportsTooManyStreams;
  }

  toString(): string {
    return this.#lines.join(" | ");
  }
}
