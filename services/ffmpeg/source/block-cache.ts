import type { RangedSource } from "./ranged-source.ts";

/** What a source's cache may hold, in bytes. */
export type CacheLimits = {
  /** All blocks, those that are being fetched among them. */
  memoryBytes: number;
  /** What is kept and dropped as one. Fetches begin and end where blocks do. */
  blockBytes: number;
};

/** `arrived` resolves with less than a block where the source ended early. */
type Block = {
  arrived: Promise<Uint8Array>;
  /** Its memory, which no other block has; undefined while it's under way. */
  memory: ArrayBuffer | undefined;
  state: "under way" | "unread" | "read";
  /** How many may still read its bytes. */
  holders: number;
};

/** The bytes of a block. */
export type TakenBlock = {
  bytes: Uint8Array;
  /**
   * Call it once, when you don't read the bytes any more, and nobody that you passed them to does:
   * they are gone as soon as the block is dropped. Bytes that are never released are left to the
   * garbage collector.
   */
  release: () => void;
};

/**
 * Blocks of a source, numbered from its start. `memoryBytes` of them are in memory, and one more
 * for each reader that waits for one while all others are under way. Blocks that were read are
 * dropped before those that were only fetched ahead, and each kind in the order of its last use.
 */
export class BlockCache {
  readonly #source: RangedSource;
  readonly #blockBytes: number;
  readonly #maxBlocks: number;
  /** By number, the least recently used first. */
  readonly #blocks = new Map<number, Block>();
  /** Memory of dropped blocks, for others. Whoever still has its bytes sees none any more. */
  readonly #spare: ArrayBuffer[] = [];
  readonly #fetches = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #onBlock: (index: number, bytes: Uint8Array) => boolean;
  /**
   * Whether the last fetch that ended has failed: then nothing is fetched before a reader needs it.
   */
  #isFailing = false;

  /**
   * `onBlock` is passed each whole block that was fetched: nobody changes it any more. It returns
   * whether it keeps the bytes.
   */
  constructor(
    source: RangedSource,
    { memoryBytes, blockBytes }: CacheLimits,
    onBlock: (index: number, bytes: Uint8Array) => boolean = () => false,
  ) {
    this.#onBlock = onBlock;
    this.#source = source;
    this.#blockBytes = blockBytes;
    this.#maxBlocks = Math.max(1, Math.floor(memoryBytes / blockBytes));
  }

  /** How many blocks from `first` on, and before `end`, are neither here nor under way. */
  missing(first: number, end: number): number {
    let next = first;
    while (next < end && !this.#blocks.has(next)) next += 1;
    return next - first;
  }

  /**
   * Begins to fetch `count` missing blocks from `first` on by one read of the source. Where too
   * many others are under way or wait to be read, it's none; or fewer, and at least one, if a
   * reader waits. None either where the source is failing and no reader waits.
   */
  fetch(first: number, count: number, readerWaits: boolean): void {
    if (this.#isFailing && !readerWaits) return;
    const room = this.#makeRoom(count, readerWaits);
    if (room < count && !readerWaits) return;
    const size = Math.max(1, room);
    const arrivals = Array.from({ length: size }, () => Promise.withResolvers<Uint8Array>());
    for (const [offset, { promise }] of arrivals.entries()) {
      // Whoever reads it next fetches it again.
      promise.catch(() => {});
      this.#blocks.set(first + offset, { arrived: promise, memory: undefined, state: "under way", holders: 0 });
    }
    const fetching = this.#fill(first, arrivals).finally(() => this.#fetches.delete(fetching));
    this.#fetches.add(fetching);
  }

  /**
   * The bytes of a block that is here or under way; fewer than a block has where the source ends.
   * Throws what the source throws.
   */
  async take(index: number): Promise<TakenBlock> {
    const block = this.#blocks.get(index);
    if (block === undefined) throw new Error(`Block ${index} was not fetched`);
    block.holders += 1;
    if (block.state !== "under way") this.#use(index, block, "read");
    const bytes = await block.arrived;
    this.#use(index, block, "read");
    return { bytes, release: () => this.#release(index, block) };
  }

  #release(index: number, block: Block): void {
    block.holders -= 1;
    if (this.#blocks.get(index) !== block) this.#reclaimUnlessHeld(block);
  }

  /**
   * Takes the memory of a dropped block at once. The garbage collector would look for it each time
   * that some MB were fetched, which takes longer than the reading itself.
   */
  #reclaimUnlessHeld({ holders, memory }: Block): void {
    if (holders > 0 || memory === undefined) return;
    const isUseful = memory.byteLength === this.#blockBytes && this.#blocks.size + this.#spare.length < this.#maxBlocks;
    if (isUseful) this.#spare.push(memory.transfer());
    else memory.transfer(0);
  }

  /** Memory for a block, or for the last one of the source, which has fewer bytes. */
  #newBlock(bytes: number): Buffer<ArrayBuffer> {
    const spare = bytes === this.#blockBytes ? this.#spare.pop() : undefined;
    return spare === undefined ? Buffer.allocUnsafeSlow(bytes) : Buffer.from(spare);
  }

  /** Aborts the fetches that are under way. Resolves when none is left. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("The source was closed"));
    await Promise.all(this.#fetches);
    this.#blocks.clear();
    this.#spare.length = 0;
  }

  /** Makes a block, unless it was dropped, the one that was used last. */
  #use(index: number, block: Block, state: "unread" | "read"): void {
    if (this.#blocks.get(index) !== block) return;
    block.state = state;
    this.#blocks.delete(index);
    this.#blocks.set(index, block);
  }

  /**
   * Drops blocks until there's room for `count`, as far as that goes; those that wait to be read
   * only where a reader waits for others. Returns for how many there is room.
   */
  #makeRoom(count: number, readerWaits: boolean): number {
    let excess = this.#blocks.size + count - this.#maxBlocks;
    for (const dropped of readerWaits ? (["read", "unread"] as const) : (["read"] as const))
      for (const [index, block] of this.#blocks) {
        if (excess <= 0) break;
        if (block.state !== dropped) continue;
        this.#blocks.delete(index);
        this.#reclaimUnlessHeld(block);
        excess -= 1;
      }
    return Math.max(0, count - Math.max(0, excess));
  }

  #arrive(index: number, bytes: Buffer<ArrayBuffer>): void {
    const isKept = this.#onBlock(index, bytes);
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    block.memory = bytes.buffer;
    if (isKept) block.holders += 1;
    this.#use(index, block, "unread");
  }

  /**
   * Fetches the blocks from `first` on. Never throws: those that didn't come are no longer kept.
   */
  async #fill(first: number, arrivals: readonly PromiseWithResolvers<Uint8Array>[]): Promise<void> {
    const start = first * this.#blockBytes;
    const end = Math.min(this.#source.size, start + arrivals.length * this.#blockBytes) - 1;
    let complete = 0;
    let block = Buffer.alloc(0);
    let filled = 0;
    const add = (chunk: Uint8Array): void => {
      for (let used = 0; used < chunk.length; ) {
        const left = end + 1 - start - complete * this.#blockBytes;
        if (left <= 0) throw new Error(`The source sent more than bytes ${start} to ${end}`);
        // Memory of its own, which is free again when it's dropped.
        if (filled === 0) block = this.#newBlock(Math.min(this.#blockBytes, left));
        const piece = chunk.subarray(used, used + block.length - filled);
        block.set(piece, filled);
        filled += piece.length;
        used += piece.length;
        if (filled < block.length) continue;
        this.#arrive(first + complete, block);
        arrivals[complete]!.resolve(block);
        complete += 1;
        filled = 0;
      }
    };
    try {
      for await (const chunk of this.#source.read(start, end, this.#closing.signal)) add(chunk);
      this.#closing.signal.throwIfAborted();
      arrivals[complete]?.resolve(block.subarray(0, filled));
      for (const { resolve } of arrivals) resolve(new Uint8Array());
      this.#isFailing = false;
    } catch (error) {
      this.#isFailing = true;
      for (const { reject } of arrivals) reject(error);
    } finally {
      for (let lost = complete; lost < arrivals.length; lost += 1) this.#blocks.delete(first + lost);
    }
  }
}
