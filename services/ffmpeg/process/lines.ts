import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Hands on each line of a stream; resolves at its end. */
export async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);
  await once(lines, "close");
}
