import { LineSplitter } from "./lines.ts";
import type { SourceAddress } from "./sandbox.ts";

/** How much of stderr is included in an error. */
const MAX_TAIL_LINES = 8;
const MAX_TAIL_LINE_LENGTH = 300;
/** Longer lines are truncated before they're matched. */
const MAX_LINE_LENGTH = 4_096;

/** ffmpeg's messages for ENOSPC and EDQUOT, at the end of a line. */
const DISK_FULL = /: (No space left on device|Disk quota exceeded)$/;

/**
 * Messages of failed allocations: ENOMEM in glibc and musl, x264, x265, C++ exceptions, and threads
 * that can't be started.
 */
const OUT_OF_MEMORY =
  /: (Cannot allocate memory|Out of memory)$|malloc of size \d+ failed|std::bad_alloc|pthread_create(\(\))? failed/;

/** ffmpeg's message for more tracks than -max_streams. */
const TOO_MANY_STREAMS = /exceeds max_streams/;

/** Keeps the last lines of a process's stderr: a hostile file can make ffmpeg print endlessly. */
export class StderrTail {
  readonly #splitter = new LineSplitter(MAX_LINE_LENGTH);
  readonly #lines: string[] = [];
  readonly #source: SourceAddress | undefined;
  #reportsDiskFull = false;
  #reportsOutOfMemory = false;
  #reportsTooManyStreams = false;

  /** The URL and the secret of `source` are replaced: they must not be logged. */
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

  /** Whether any line, kept or not, reports a full disk. */
  get reportsDiskFull(): boolean {
    return this.#reportsDiskFull;
  }

  /** Whether any line reports a failed allocation. */
  get reportsOutOfMemory(): boolean {
    return this.#reportsOutOfMemory;
  }

  /** Whether any line reports more tracks than the limit. */
  get reportsTooManyStreams(): boolean {
    return this.#reportsTooManyStreams;
  }

  toString(): string {
    return this.#lines.join(" | ");
  }
}
