import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { LineFile } from "../../../infra/emulator/events/line-file.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

async function path(): Promise<string> {
  return join(await temporaryFolder(), "lines");
}

function open(file: string): LineFile {
  const lines = new LineFile(file);
  onTestFinished(() => lines.close());
  return lines;
}

describe("LineFile", () => {
  it("given lines of any length, then each is read back from its place", async () => {
    const file = open(await path());
    const written = ["", "a", "é".repeat(400_000), '{"n":1}', "x".repeat(256 * 1_024 - 3)];
    const places = [...file.append(written.slice(0, 2)), ...file.append(written.slice(2))];
    expect(places.map((place) => file.read(place))).toEqual(written);
    expect([...file.lines(0, file.end)].map(({ text }) => text)).toEqual(written);
    expect([...file.lines(0, file.end)].map(({ offset, length }) => ({ offset, length }))).toEqual(places);
  });

  it("given a part, then only its lines are read", async () => {
    const file = open(await path());
    const [, second, third] = file.append(["a", "b", "c"]);
    expect([...file.lines(second?.offset ?? 0, third?.offset ?? 0)].map(({ text }) => text)).toEqual(["b"]);
  });

  it.each([
    ["short", 5],
    ["longer than a chunk", 700_000],
  ])("given an unfinished last line that is %s, then it is cut off when the file is opened", async (_, bytes) => {
    const name = await path();
    writeFileSync(name, `a\nb\n${"x".repeat(bytes)}`);
    const file = open(name);
    expect(statSync(name).size).toBe(4);
    file.append(["c"]);
    expect(readFileSync(name, "utf8")).toBe("a\nb\nc\n");
  });

  it("given nothing but an unfinished line, then the file is empty", async () => {
    const name = await path();
    open(name);
    appendFileSync(name, "half");
    expect(open(name).end).toBe(0);
  });

  it("given a line that came after the last reading, then it isn't read", async () => {
    const file = open(await path());
    file.append(["a"]);
    const lines = file.lines(0, file.end);
    file.append(["b"]);
    expect([...lines].map(({ text }) => text)).toEqual(["a"]);
  });

  it("given a place beyond the end, then it throws", async () => {
    const name = await path();
    const file = open(name);
    appendFileSync(name, "a\n");
    expect(() => file.read({ offset: 0, length: 9 })).toThrow(RangeError);
  });
});
