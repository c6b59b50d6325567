import type { Readable } from "node:stream";

/**
 * CloudWatch truncates there too, in characters.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
const MAX_LINE = 256 * 1_024;

export type LogLines = {
  /**
   * Resolves when a line that ends with `mark` has been read; the mark itself isn't part of the
   * log.
   */
  until(mark: string): Promise<void>;
};

/** Splits what a process writes into lines and passes on each one that isn't empty. */
export function readLogLines(stream: Readable, onLine: (text: string) => void): LogLines {
  let rest = "";
  let awaited: { mark: string; arrived: () => void } | undefined;
  const emit = (line: string) => {
    const isMarked = awaited !== undefined && line.endsWith(awaited.mark);
    const text = isMarked ? line.slice(0, -(awaited?.mark.length ?? 0)) : line;
    if (text !== "") onLine(text);
    if (isMarked) awaited?.arrived();
  };
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) emit(line);
    for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE)) emit(rest.slice(0, MAX_LINE));
  });
  stream.on("end", () => emit(rest));
  return {
    until: (mark) =>
      new Promise((arrived) => {
        awaited = { mark, arrived };
      }),
  };
}
