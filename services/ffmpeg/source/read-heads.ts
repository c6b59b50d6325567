/** Where one of ffmpeg's ways through a source has got to. */
export type ReadHead = {
  /** The byte after the last one that was read. */
  at: number;
  /** Bytes that were read since it was opened, each once. */
  progress: number;
};

/** As many as a file has tracks that lie apart; of more, the least recently used is forgotten. */
const MAX_HEADS = 64;

/** A head that none of so many further readings has joined is one that ffmpeg has left. */
const MAX_IDLE_READINGS = 64;

/**
 * A reading that begins so much before or behind a head goes on with it: what is sent to ffmpeg goes
 * through the buffers of a connection, which hold some MB that it may not have asked for.
 */
const MAX_BACK_BYTES = 8 * 1024 * 1024;
const MAX_AHEAD_BYTES = 1024 * 1024;

/**
 * The places that a source is read at. ffmpeg reads a file whose tracks lie apart at as many places
 * as it has tracks, a little at each, and closes its connection each time that it goes to another.
 */
export class ReadHeads {
  /** With the number of the last reading of each. The least recently used is first. */
  readonly #heads = new Map<ReadHead, number>();
  #readings = 0;

  /** The head that a reading from byte `start` on belongs to: the nearest, or a new one. */
  join(start: number): ReadHead {
    this.#readings += 1;
    let nearest: ReadHead | undefined;
    for (const [head, lastUsed] of this.#heads) {
      if (this.#readings - lastUsed > MAX_IDLE_READINGS) this.#heads.delete(head);
      else if (head.at - start > MAX_BACK_BYTES || start - head.at > MAX_AHEAD_BYTES) continue;
      else if (nearest === undefined || Math.abs(head.at - start) < Math.abs(nearest.at - start)) nearest = head;
    }
    const joined = nearest ?? { at: start, progress: 0 };
    this.#heads.delete(joined);
    this.#heads.set(joined, this.#readings);
    const [oldest] = this.#heads.keys();
    if (this.#heads.size > MAX_HEADS && oldest !== undefined) this.#heads.delete(oldest);
    return joined;
  }

  /** That a head has come as far as byte `at`, which isn't among those that were read. */
  advance(head: ReadHead, at: number): void {
    head.progress += Math.max(0, at - head.at);
    head.at = Math.max(head.at, at);
  }

  /** That a head has come to the end of the source. */
  end(head: ReadHead): void {
    this.#heads.delete(head);
  }

  /** Heads that are in use. */
  get count(): number {
    return Math.max(1, this.#heads.size);
  }
}
