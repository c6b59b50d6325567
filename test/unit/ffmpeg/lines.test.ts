import { describe, expect, it } from "vitest";
import { eachLine, LineSplitter, linesOf } from "../../../services/ffmpeg/process/lines.ts";
import { readPacketLines } from "../../../services/ffmpeg/process/packet-lines.ts";

async function* chunks(...texts: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

const collected = (lines: AsyncIterable<string>): Promise<string[]> => Array.fromAsync(lines);

describe("lines of a stream", () => {
  it("are joined across chunks", async () => {
    expect(await collected(linesOf(chunks("one\ntw", "o", "\n\nfour\n")))).toEqual(["one", "two", "", "four"]);
  });

  it("may end with CRLF, and the last one without a line break", async () => {
    expect(await collected(linesOf(chunks("one\r", "\ntwo\r\nthree")))).toEqual(["one", "two", "three"]);
  });

  it("are UTF-8, also where a character is in two chunks", async () => {
    const text = Buffer.from("Größe\n");
    expect(await collected(linesOf(chunks(text.subarray(0, 3), text.subarray(3))))).toEqual(["Größe"]);
  });

  it("are passed on one by one, and what the callback throws is thrown", async () => {
    const lines: string[] = [];
    await eachLine(chunks("a\nb\n", "c"), (line) => lines.push(line));
    expect(lines).toEqual(["a", "b", "c"]);
    const failure = new Error("too many");
    const failing = eachLine(chunks("a\n"), () => {
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
  });

  it("can be truncated, so that an endless one takes no memory", () => {
    const splitter = new LineSplitter(5);
    expect(splitter.push(Buffer.from("123"))).toEqual([]);
    expect(splitter.push(Buffer.from("45678"))).toEqual([]);
    expect(splitter.push(Buffer.from("9\n1234567\nabc"))).toEqual(["12345", "12345"]);
    expect(splitter.end()).toEqual(["abc"]);
  });
});

describe("lines of packets", () => {
  const CLOCK = "#tb 0: 1/25\n";
  const packets = (text: string) => Array.fromAsync(readPacketLines(chunks(text)));

  it("have times in the clock that is stated before", async () => {
    expect(await packets(`${CLOCK}0, -1, 0, 1, 1024, 0x1\n`)).toMatchObject([
      { clock: { num: 1, den: 25 }, line: { dts: -1, pts: 0, duration: 1, size: 1_024, checksum: "0x1" } },
    ]);
  });

  it.each(["0, 0, 0, 1, 1024, 0x1\n", `${CLOCK}Conversion failed!\n`])("in another format are an error: %j", (text) =>
    expect(packets(text)).rejects.toThrow("a line that isn't in its framecrc format"),
  );
});
