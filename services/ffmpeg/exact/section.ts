import type { Spool } from "../assembly/spool.ts";
import { ByteReader } from "../process/byte-reader.ts";

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

  /** Its packets, in order. */
  async *packets(): AsyncGenerator<Buffer> {
    const reader = new ByteReader(this.#spool.chunks());
    for (const [number, size] of this.#sizes.entries()) {
      const packet = await reader.read(size);
      if (packet === undefined) throw new Error(`Packet ${number} is missing from ${this.#spool.path}`);
      yield packet;
    }
  }

  remove(): Promise<void> {
    return this.#spool.remove();
  }
}

/** The three sections of a segment, in order: docs/decisions/exact-cut.md */
export type SectionName = "head" | "copied" | "tail";

export type Sections = Record<SectionName, Section>;
