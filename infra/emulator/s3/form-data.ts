import { S3Error } from "./errors.ts";
import { type Exchange, header } from "./exchange.ts";

/**
 * S3's limit for everything before the file:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
const MAX_FIELDS_BYTES = 20_480;

const malformed = (): S3Error =>
  new S3Error("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.");

export const isForm = (exchange: Exchange): boolean =>
  (header(exchange, "content-type") ?? "").toLowerCase().startsWith("multipart/form-data");

export type FormFile = { name: string; type: string | undefined };

/**
 * Reads `multipart/form-data` (RFC 7578) up to its file, and the file as a stream. Fields after the
 * file are ignored.
 */
export class FormReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #boundary: string;
  #buffered = Buffer.alloc(0);
  #fieldBytes = 0;

  /** Throws `MalformedPOSTRequest` for a content type without a boundary. */
  constructor(source: AsyncIterable<Buffer>, contentType: string) {
    const found = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
    const boundary = found?.[1] ?? found?.[2];
    if (boundary === undefined) throw malformed();
    this.#boundary = `--${boundary}`;
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /**
   * The fields before the file by lower-case name, and the file's headers. Throws
   * `MalformedPOSTRequest`.
   */
  async readFields(): Promise<{ fields: Map<string, string>; file: FormFile }> {
    const fields = new Map<string, string>();
    await this.#readUntil(this.#boundary);
    for (;;) {
      if ((await this.#readUntil("\r\n")).trim() !== "") throw malformed();
      const head = await this.#readUntil("\r\n\r\n");
      const name = /;\s*name="([^"]*)"/i.exec(head)?.[1]?.toLowerCase();
      if (name === undefined) throw malformed();
      if (name === "file") {
        const file = /;\s*filename="([^"]*)"/i.exec(head)?.[1] ?? "";
        const type = /^content-type:\s*(\S.*?)\s*$/im.exec(head)?.[1];
        return { fields, file: { name: file.replace(/^.*[\\/]/, ""), type } };
      }
      fields.set(name, await this.#readUntil(`\r\n${this.#boundary}`));
    }
  }

  /**
   * The file's content; what follows is read and dropped. Throws `MalformedPOSTRequest` if it has
   * no end.
   */
  async *readFile(): AsyncGenerator<Buffer> {
    const end = Buffer.from(`\r\n${this.#boundary}`);
    for (;;) {
      const at = this.#buffered.indexOf(end);
      const ready = at >= 0 ? at : Math.max(0, this.#buffered.length - end.length + 1);
      if (ready > 0) yield this.#buffered.subarray(0, ready);
      this.#buffered = this.#buffered.subarray(ready);
      if (at >= 0) break;
      await this.#fill();
    }
    for (let rest = await this.#chunks.next(); rest.done !== true; ) rest = await this.#chunks.next();
  }

  async #readUntil(delimiter: string): Promise<string> {
    for (;;) {
      const at = this.#buffered.indexOf(delimiter);
      if (at >= 0) {
        const text = this.#buffered.toString("utf8", 0, at);
        const taken = at + Buffer.byteLength(delimiter);
        this.#buffered = this.#buffered.subarray(taken);
        this.#fieldBytes += taken;
        if (this.#fieldBytes > MAX_FIELDS_BYTES) throw malformed();
        return text;
      }
      if (this.#buffered.length > MAX_FIELDS_BYTES) throw malformed();
      await this.#fill();
    }
  }

  async #fill(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw malformed();
    this.#buffered = Buffer.concat([this.#buffered, next.value]);
  }
}
