/** Where one of ffmpeg's ways through a source has got to. */
export type ReadHead = {
  /** The byte after the last one that was read. */
  at: number;
  /** Bytes that were read without a gap, each counted once. */
  progress: number;
  /** How much of the source had been read, by all heads, when this one was used last. */
  lastUsed: number;
};

/** As many as a file has tracks that lie apart; of more, the least recently used is forgotten. */
const MAX_HEADS = 64;

/** So much less progress has a head for each byte that it skips: it may skip most of the file. */
const LOST_PER_SKIPPED = 4;

/** All in bytes. */
export type HeadLimits = {
  /**
   * A reading that begins so much before where a head is, at most, goes on with it: what is sent to
   * ffmpeg goes through the buffers of a connection, which hold some MB that it may not have read.
   */
  maxBack: number;
  /** And so much behind: ffmpeg skips what belongs to tracks that it doesn't read. */
  maxSkipped: number;
  /** Another head shares the memory with its like once it has read so much. */
  minProgress: number;
  /** And until others have read so much since its last use. */
  maxIdle: number;
};

/**
 * The places that a source is read at. ffmpeg reads a file whose tracks lie apart at as many places
 * as it has tracks, a little at each, and closes its connection each time that it goes to another.
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

  /** Adds what was read, up to byte `at`, which isn't in it. */
  advance(head: ReadHead, bytes: number, at: number): void {
    this.#readBytes += bytes;
    head.lastUsed = this.#readBytes;
    head.progress += Math.max(0, at - head.at);
    head.at = Math.max(head.at, at);
  }

  /** Forgets a head that came to the end of the source. */
  end(head: ReadHead): void {
    this.#heads.delete(head);
  }

  /** How many share the memory with `head`, itself included. */
  sharing(head: ReadHead): number {
    const { minProgress, maxIdle } = this.#limits;
    let count = 1;
    for (const other of this.#heads)
      if (other !== head && other.progress >= minProgress && this.#readBytes - other.lastUsed <= maxIdle) count += 1;
    return count;
  }
}
