import { StringDecoder } from "node:string_decoder";

/** Splits UTF-8 text that arrives in chunks into lines. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #maxLength: number;
  #rest = "";

  /** Lines are truncated to `maxLength` characters. */
  constructor(maxLength = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
  }

  /** The lines that end in this chunk. */
  push(chunk: Buffer): string[] {
    const lines = this.#decoder.write(chunk).split("\n");
    lines[0] = this.#rest + lines[0];
    this.#rest = (lines.pop() ?? "").slice(0, this.#maxLength);
    return lines.map((line) => this.#trimmed(line));
  }

  /** The last line, if no line break ends it. */
  end(): string[] {
    const last = this.#rest + this.#decoder.end();
    this.#rest = "";
    return last === "" ? [] : [this.#trimmed(last)];
  }

  #trimmed(line: string): string {
    return (line.endsWith("\r") ? line.slice(0, -1) : line).slice(0, this.#maxLength);
  }
}

/** The lines of a stream. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const splitter = new LineSplitter();
  for await (const chunk of stream) yield* splitter.push(chunk);
  yield* splitter.end();
}

/** Passes on each line of a stream; resolves at its end. Throws what `onLine` throws. */
export async function eachLine(stream: AsyncIterable<Buffer>, onLine: (line: string) => void): Promise<void> {
  const splitter = new LineSplitter();
  for await (const chunk of stream) for (const line of splitter.push(chunk)) onLine(line);
  for (const line of splitter.end()) onLine(line);
}
