import type { Spool } from "../assembly/spool.ts";

/** Consecutive video packets of a segment, in a file. */
export class Section {
  readonly #spool: Spool;
  readonly #packets: number;
  readonly #sizes: number[] = [];
  #written = 0;

  /** `packets`: the number of packets that it will have. */
  constructor(spool: Spool, packets: number) {
    this.#spool = spool;
    this.#packets = packets;
  }

  /** Adds a copy of a packet, which is made before this returns. */
  async add(packet: Buffer): Promise<void> {
    this.#sizes.push(packet.length);
    await this.#spool.write(packet);
    this.#written += 1;
  }

  get isComplete(): boolean {
    return this.#written === this.#packets;
  }

  get isEmpty(): boolean {
    return this.#sizes.length === 0;
  }

  /** Bytes of each packet, in order. */
  get sizes(): readonly number[] {
    return this.#sizes;
  }

  /**
   * Passes on the bytes from `start` to before `end`, counted from the first packet. Those of a chunk
   * are gone when `sink` has resolved.
   */
  passOn(start: number, end: number, sink: (data: Buffer) => Promise<void>): Promise<void> {
    return this.#spool.passOn(start, end, sink);
  }

  remove(): Promise<void> {
    return this.#spool.remove();
  }
}

/** The three sections of a segment, in order: docs/decisions/exact-cut.md */
export type SectionName = "head" | "copied" | "tail";

export type Sections = Record<SectionName, Section>;
