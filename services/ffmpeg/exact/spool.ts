import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";

/** Packets are gathered to writes of this size. */
const WRITE_BYTES = 1024 * 1024;

/** A file that is written to its end, then read from its start, then gone. */
export class Spool {
  readonly path: string;
  bytes = 0;
  #stream: WriteStream | undefined;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #failure: unknown;

  constructor(path: string) {
    this.path = path;
  }

  async write(data: Buffer): Promise<void> {
    this.#gathered.push(data);
    this.#gatheredBytes += data.length;
    this.bytes += data.length;
    if (this.#gatheredBytes >= WRITE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#stream === undefined) {
      this.#stream = createWriteStream(this.path);
      this.#stream.on("error", (error) => {
        this.#failure ??= error;
      });
    }
    const data = Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    await new Promise<void>((resolve, reject) =>
      this.#stream!.write(data, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** Ends the writing and opens the file for reading. */
  async read(): Promise<FileHandle> {
    await this.close();
    return open(this.path);
  }

  async close(): Promise<void> {
    if (this.#stream === undefined || this.#gatheredBytes > 0) await this.#flush();
    if (this.#stream!.writableEnded) return;
    this.#stream!.end();
    await once(this.#stream!, "close");
    if (this.#failure !== undefined) throw this.#failure;
  }

  async remove(): Promise<void> {
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#stream?.destroy();
    await rm(this.path, { force: true });
  }
}
