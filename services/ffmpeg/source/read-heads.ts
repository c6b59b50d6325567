/** The position of one sequential reading of a source by ffmpeg. */
export type ReadHead = {
  /** The byte after the last one that was read. */
  at: number;
  /** Bytes that were read without a gap, each counted once. */
  progress: number;
  /** Bytes that all heads had read when this one was used last. */
  lastUsed: number;
};

/**
 * Enough for the tracks of a file that isn't interleaved. Above it, the least recently used one is
 * removed.
 */
const MAX_HEADS = 64;

/**
 * Bytes of progress that a head loses for each byte that it skips: it may skip most of the file.
 */
const LOST_PER_SKIPPED = 4;

/** All in bytes. */
export type HeadLimits = {
  /**
   * How far before a head's position a reading may begin that continues it: the buffers of a
   * connection hold some MB that ffmpeg may not have read.
   */
  maxBack: number;
  /** How far after a head's position: ffmpeg skips the data of tracks that it doesn't read. */
  maxSkipped: number;
  /** Bytes that a head must have read before it shares the memory with others. */
  minProgress: number;
  /** Bytes that others may read after its last use before it no longer shares the memory. */
  maxIdle: number;
};

/**
 * The positions at which a source is read. ffmpeg reads a file whose tracks aren't interleaved at
 * one position per track, a little at each, and closes its connection each time that it goes to
 * another.
 */
export class ReadHeads {
  /** The least recently joined is first. */
  readonly #heads = new Set<ReadHead>();
  readonly #limits: HeadLimits;
  #readBytes = 0;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** The head that a reading from byte `start` on belongs to: the nearest, or a new one. */
  join(start: number): ReadHead {
    const { maxBack, maxSkipped } = this.#limits;
    let nearest: ReadHead | undefined;
    for (const head of this.#heads)
      if (head.at - start > maxBack || start - head.at > maxSkipped) continue;
      else if (nearest === undefined || Math.abs(head.at - start) < Math.abs(nearest.at - start)) nearest = head;
    const joined = nearest ?? { at: start, progress: 0, lastUsed: this.#readBytes };
    const skipped = Math.max(0, start - joined.at);
    joined.progress = Math.max(0, joined.progress - LOST_PER_SKIPPED * skipped);
    joined.at += skipped;
    this.#heads.delete(joined);
    this.#heads.add(joined);
    const [oldest] = this.#heads;
    if (this.#heads.size > MAX_HEADS && oldest !== undefined) this.#heads.delete(oldest);
    return joined;
  }

  /** Adds `bytes` that were read, up to byte `at` (exclusive). */
  advance(head: ReadHead, bytes: number, at: number): void {
    this.#readBytes += bytes;
    head.lastUsed = this.#readBytes;
    head.progress += Math.max(0, at - head.at);
    head.at = Math.max(head.at, at);
  }

  /** Removes a head that reached the end of the source. */
  end(head: ReadHead): void {
    this.#heads.delete(head);
  }

  /** How many heads share the memory with `head`, itself included. */
  sharing(head: ReadHead): number {
    const { minProgress, maxIdle } = this.#limits;
    let count = 1;
    for (const other of this.#heads)
      if (other !== head && other.progress >= minProgress && this.#readBytes - other.lastUsed <= maxIdle) count += 1;
    return count;
  }
}
