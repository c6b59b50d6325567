import { S3Error } from "./errors.ts";

/** A longer line isn't a chunk header or a trailer. */
const MAX_LINE_BYTES = 16_384;

const malformed = (): S3Error =>
  new S3Error("IncompleteBody", "The request body terminated unexpectedly or its chunks are not well-formed.");

const malformedTrailer = (): S3Error =>
  new S3Error(
    "MalformedTrailerError",
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  );

/**
 * Removes the framing of an `aws-chunked` body, signed or not; chunk signatures are ignored. The
 * trailers are set when the body has been read to its end.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
 * sigv4-streaming-trailers.html
 */
export class AwsChunkedDecoder {
  /** By lower-case name. */
  readonly trailers = new Map<string, string>();
  #line = "";
  #state: "header" | "data" | "dataEnd" | "trailers" = "header";
  #remaining = 0;

  /** The content. Throws `IncompleteBody` and `MalformedTrailerError`. */
  async *decode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const buffer of source) {
      let at = 0;
      while (at < buffer.length) {
        if (this.#state === "data") {
          const end = Math.min(at + this.#remaining, buffer.length);
          yield buffer.subarray(at, end);
          this.#remaining -= end - at;
          at = end;
          if (this.#remaining === 0) this.#state = "dataEnd";
        } else {
          at = this.#readLine(buffer, at);
        }
      }
    }
    // Some clients omit the last empty line.
    if (this.#state !== "trailers") throw malformed();
  }

  #readLine(buffer: Buffer, from: number): number {
    const newline = buffer.indexOf(0x0a, from);
    const end = newline < 0 ? buffer.length : newline;
    this.#line += buffer.toString("latin1", from, end);
    if (this.#line.length > MAX_LINE_BYTES) throw malformed();
    if (newline < 0) return end;
    const line = this.#line.replace(/\r$/, "");
    this.#line = "";
    this.#takeLine(line);
    return newline + 1;
  }

  #takeLine(line: string): void {
    if (this.#state === "header") {
      const size = /^([0-9a-fA-F]{1,12})(?:;.*)?$/.exec(line)?.[1];
      if (size === undefined) throw malformed();
      this.#remaining = Number.parseInt(size, 16);
      this.#state = this.#remaining === 0 ? "trailers" : "data";
    } else if (this.#state === "dataEnd") {
      if (line !== "") throw malformed();
      this.#state = "header";
    } else if (line !== "") {
      const colon = line.indexOf(":");
      if (colon <= 0) throw malformedTrailer();
      this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
}
