import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { readLogLines } from "../../../infra/emulator/lambda/log-lines.ts";

function read() {
  const stream = new PassThrough();
  const lines: string[] = [];
  return { stream, lines, log: readLogLines(stream, (text) => lines.push(text)) };
}

const ended = (stream: PassThrough) => new Promise((resolve) => stream.once("close", resolve));

describe("given what a process writes", () => {
  it("when a character is cut in two, then the line has it whole", async () => {
    const { stream, lines } = read();
    const bytes = Buffer.from("größer\n");
    stream.write(bytes.subarray(0, 3));
    stream.end(bytes.subarray(3));
    await ended(stream);
    expect(lines).toEqual(["größer"]);
  });

  it("when the last line has no end, then it is a line too", async () => {
    const { stream, lines } = read();
    stream.end("first\n\nlast");
    await ended(stream);
    expect(lines).toEqual(["first", "last"]);
  });

  it("when a line has no end for long, then it is cut where CloudWatch cuts", async () => {
    const { stream, lines } = read();
    stream.end("x".repeat(300_000));
    await ended(stream);
    expect(lines.map(({ length }) => length)).toEqual([262_144, 300_000 - 262_144]);
  });

  it("when the mark comes in pieces after an incomplete line, then the line is passed on without the mark", async () => {
    const { stream, lines, log } = read();
    const marked = log.until("MARK");
    stream.write("unfinishedMA");
    stream.write("RK\nnext\n");
    await marked;
    stream.end();
    await ended(stream);
    expect(lines).toEqual(["unfinished", "next"]);
  });
});
