import { setTimeout as delay, setImmediate as immediate } from "node:timers/promises";
import { unlessAborted } from "../process/condition.ts";
import { BlockCache, type CacheLimits, type TakenBlock } from "./block-cache.ts";
import { type DiskOptions, KeptSource } from "./kept-source.ts";
import type { LendingSource, RangedSource } from "./ranged-source.ts";
import { type ReadHead, ReadHeads } from "./read-heads.ts";

export type ReadAheadLimits = CacheLimits & {
  /** The largest fetch, in bytes. */
  maxFetchBytes: number;
  /** How many of them are under way, or wait to be read, for one reader. */
  maxFetchesAhead: number;
};

const KB = 1024;
const MB = 1024 * KB;

/**
 * AWS advises 8 to 16 MB a request, and several at once, for throughput.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
 */
export const READ_AHEAD: ReadAheadLimits = {
  memoryBytes: 64 * MB,
  blockBytes: 64 * KB,
  maxFetchBytes: 8 * MB,
  maxFetchesAhead: 3,
};

/** A reader that has read so much gets so many times as much fetched ahead: most leave soon. */
const AHEAD_PER_READ = 2;

/** Blocks that are fetched ahead where a reader is expected to leave soon. */
const MAX_BLOCKS_BEYOND = 8;

/** A reader that has read so many of the largest fetches there needs more than was expected. */
const MAX_FETCHES_BEYOND = 3;

/** Between the blocks that such a reader gets: the buffers of its connection take MB within this. */
const PAUSE_MS = 2;

/** A reader that has progressed no further for so long has nothing left in the buffers of its connection. */
const QUIET_MS = 100;

export type ReadAhead = LendingSource & {
  /**
   * Readers are expected to need bytes `start` to `end`, the last not included, and little at the
   * start of the source and behind `end`. At the start they get their blocks more slowly. One that
   * reads across `end` gets more when it can't progress without. Default: they need all.
   */
  expect(start: number, end: number): void;
  /** Call it whenever a reader has processed something of what it read. */
  progressed(): void;
  /** Most of what is left is read once: nothing is kept on disk any more. */
  leaveDisk(): Promise<void>;
  /** Aborts what is under way, and forgets what is kept. Nothing is to be read afterwards. */
  close(): Promise<void>;
};

/**
 * A source whose readers share what one of them has fetched, and what was fetched ahead for each.
 * One that leaves, as ffmpeg does to read elsewhere, and comes back goes on where it was, at no
 * further cost. The source is read in fetches of at most `maxFetchBytes`, which grow as a reader
 * goes on and shrink with the number of places that are read at the same time. In memory are
 * `memoryBytes` of blocks, those under way among them, and a block more for each reader that waits
 * while all the others are under way; beside them what `source` holds until it's copied. A source
 * larger than that is kept on disk too, where there is one.
 */
export function readAhead(source: RangedSource, limits: ReadAheadLimits = READ_AHEAD, disk?: DiskOptions): ReadAhead {
  const { blockBytes, memoryBytes, maxFetchBytes, maxFetchesAhead } = limits;
  const kept = disk && source.size > memoryBytes ? new KeptSource(source, blockBytes, disk) : undefined;
  const cache = new BlockCache(kept ?? source, limits, kept && ((index, bytes) => kept.keep(index, bytes)));
  const heads = new ReadHeads({
    maxBack: 2 * maxFetchBytes,
    maxSkipped: maxFetchBytes,
    minProgress: 4 * blockBytes,
    maxIdle: memoryBytes,
  });
  const blocks = Math.ceil(source.size / blockBytes);
  const inBlocks = (bytes: number): number => Math.max(1, Math.floor(bytes / blockBytes));

  const expected = { start: 0, end: source.size };
  const beyondBytes = MAX_FETCHES_BEYOND * maxFetchBytes;
  const isBeyond = (at: number): boolean =>
    at < Math.min(expected.start, beyondBytes) || (at >= expected.end && at < expected.end + beyondBytes);

  /** Bytes that may be fetched ahead of byte `at`, for what is expected. */
  function expectedAhead(at: number): number {
    if (isBeyond(at)) return MAX_BLOCKS_BEYOND * blockBytes;
    return at < expected.end ? expected.end - at : Number.POSITIVE_INFINITY;
  }

  let progress = 0;
  async function untilQuiet(signal: AbortSignal): Promise<void> {
    for (let before = Number.NaN; before !== progress && !signal.aborted; ) {
      before = progress;
      await delay(QUIET_MS);
      // On a busy machine, packets may wait to be read.
      await immediate();
    }
  }

  /** A reading across the end of what is expected waits there, and gets twice as many blocks each time. */
  function gateOf(start: number, signal: AbortSignal): (at: number) => Promise<void> | undefined {
    let granted = 0;
    let left = 0;
    return (at) => {
      // A reading that begins there was requested for what is there.
      if (start >= expected.end || at < expected.end || !isBeyond(at)) return undefined;
      left -= 1;
      if (left >= 0) return undefined;
      granted = Math.max(1, 2 * granted);
      left = granted - 1;
      return untilQuiet(signal);
    };
  }

  /**
   * Bytes that may be fetched ahead of a head: half of its share of the memory, without what its
   * connection has taken and may ask for again.
   */
  function windowOf(head: ReadHead): number {
    const share = (memoryBytes / heads.sharing(head) - maxFetchBytes / 2) / 2;
    const most = Math.min(maxFetchesAhead * maxFetchBytes, share, expectedAhead(head.at));
    return Math.max(0, Math.min(most, AHEAD_PER_READ * head.progress));
  }

  /** The bytes of block `index`. Fetches ahead of it. */
  function takeAtHead(index: number, head: ReadHead): Promise<TakenBlock> {
    const window = windowOf(head);
    const step = inBlocks(Math.min(maxFetchBytes, window / 2));
    const needed = cache.missing(index, Math.min(blocks, index + step));
    if (needed > 0) cache.fetch(index, needed, true);
    const taken = cache.take(index);
    const last = index + 1 + Math.floor(window / blockBytes);
    for (let next = index + 1; next < Math.min(last, blocks); ) {
      const missing = cache.missing(next, Math.min(blocks, next + step));
      // A full step later is better than a short one now.
      if (missing === step && next + step > last) break;
      if (missing > 0) cache.fetch(next, missing, false);
      next += Math.max(1, missing);
    }
    return taken;
  }

  /** The bytes of block `index`. Fetches with it all that is missing before block `end`. */
  function takeUpTo(index: number, end: number): Promise<TakenBlock> {
    const count = cache.missing(index, Math.min(end, index + inBlocks(Math.min(maxFetchBytes, memoryBytes / 2))));
    if (count > 0) cache.fetch(index, count, true);
    return cache.take(index);
  }

  async function* readBlocks(
    start: number,
    end: number,
    signal: AbortSignal,
    isLent: boolean,
  ): AsyncGenerator<Uint8Array> {
    // ffmpeg asks for all there is, and takes what it needs; our own parsers take all they ask for.
    const head = end === source.size - 1 ? heads.join(start) : undefined;
    const gate = gateOf(start, signal);
    for (let at = start; at <= end; ) {
      const waiting = head && gate(at);
      if (waiting !== undefined) await waiting;
      if (signal.aborted) return;
      const index = Math.floor(at / blockBytes);
      const taken = head === undefined ? takeUpTo(index, Math.floor(end / blockBytes) + 1) : takeAtHead(index, head);
      let block: TakenBlock;
      try {
        block = await unlessAborted(taken, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      const chunk = block.bytes.subarray(at - index * blockBytes, end + 1 - index * blockBytes);
      const { length } = chunk;
      if (length === 0) return;
      if (head !== undefined && isBeyond(at)) await delay(PAUSE_MS);
      at += length;
      // Before it's passed on: a reader that leaves in the middle of it comes back there, not behind a gap.
      if (head !== undefined) heads.advance(head, length, at);
      yield chunk;
      // Not where the reader leaves: what it passed on may still be sent.
      if (isLent) block.release();
      if (head !== undefined && at === source.size) heads.end(head);
    }
  }

  const read: RangedSource["read"] = (start, end, signal) => readBlocks(start, end, signal, false);
  const lend: RangedSource["read"] = (start, end, signal) => readBlocks(start, end, signal, true);
  const leaveDisk = async (): Promise<void> => kept?.close();
  const close = async (): Promise<void> => {
    await cache.close();
    await leaveDisk();
  };
  const expect = (start: number, end: number): void => void Object.assign(expected, { start, end });
  const progressed = (): void => {
    progress += 1;
  };
  return { size: source.size, read, lend, expect, progressed, leaveDisk, close };
}
