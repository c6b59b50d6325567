import { Spool } from "./spool.ts";

/** Part of a segment's picture: its packets, one after the other. */
export class Part {
  readonly spool: Spool;
  readonly sizes: number[] = [];
  isWhole = false;

  constructor(path: string) {
    this.spool = new Spool(path);
  }

  async add(data: Buffer): Promise<void> {
    this.sizes.push(data.length);
    await this.spool.write(data);
  }
}

export type PartName = "head" | "copied" | "tail";

export type Parts = Record<PartName, Part> & {
  /** Of the pictures that were encoded for it. */
  configuration: Buffer | undefined;
};

/** A packet of a segment that is put together, and where it is. */
export type StitchedPacket = { part: Part; rank: number; size: number; key: boolean; prefix: Buffer | undefined };

/** Reads packets of parts one after the other. */
export class PartReader {
  #part: Part | undefined;
  #file: Awaited<ReturnType<Spool["read"]>> | undefined;
  #at = 0;

  async read({ part, size }: StitchedPacket): Promise<Buffer> {
    if (part !== this.#part) {
      await this.#file?.close();
      this.#part = part;
      this.#file = await part.spool.read();
      this.#at = 0;
    }
    const data = Buffer.allocUnsafe(size);
    await this.#file!.read(data, 0, size, this.#at);
    this.#at += size;
    return data;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
