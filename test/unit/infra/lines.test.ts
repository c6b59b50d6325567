import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { WriteStream } from "node:tty";
import { afterEach, describe, expect, it, vi } from "vitest";
import { styled, visible, writeLines, writeStyled } from "../../../infra/command-line/lines.ts";

const written = (...lines: string[]): string => {
  const stream = new PassThrough();
  writeLines(stream, ...lines);
  return String(stream.read());
};

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

/** C0, DEL, C1, U+061C, U+200E and U+200F, line separators, and both kinds of bidirectional overrides. */
const INVISIBLE = [
  range(0, 0x1f),
  range(0x7f, 0x9f),
  0x61c,
  0x200e,
  0x200f,
  range(0x2028, 0x202e),
  range(0x2066, 0x2069),
]
  .flat()
  .map((code) => String.fromCodePoint(code));

describe("what a terminal shows", () => {
  it("has no character that controls it, and stays the same JSON", () => {
    for (const character of INVISIBLE) {
      const shown = visible(`a${character}b`);
      expect(shown).toMatch(/^a\\[\w]+b$/);
      expect(JSON.parse(visible(`"a${shown.slice(1, -1)}b"`))).toBe(`a${character}b`);
    }
    expect(JSON.parse(visible(JSON.stringify({ key: INVISIBLE.join("") })))).toEqual({ key: INVISIBLE.join("") });
  });

  it("has all other characters as they are", () => {
    const text = "uploads/Größe 🎬 👩‍👩‍👧 שלום \\ “quoted” \u00a0";
    expect(visible(text)).toBe(text);
  });

  it("is one line for each text", () => {
    expect(written("a\nfault: none", "b\r\u001b[2Kc")).toBe("a\\nfault: none\nb\\r\\u001b[2Kc\n");
  });

  it("is written by this function alone: commands write nothing else but their help and constant text", () => {
    const root = join(import.meta.dirname, "../../../infra");
    const direct = globSync("{local,operations}/**/*.ts", { cwd: root }).flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .filter((line) => /console\.\w+\(|std(?:out|err)\.write\((?!HELP|"[^"]*"\))/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(direct).toEqual([]);
  });
});

describe("a style", () => {
  afterEach(() => vi.unstubAllEnvs());

  /** Asks Node's own terminal stream whether there are colours. */
  const streamFor = (isTTY: boolean) =>
    Object.assign(new PassThrough(), { isTTY, getColorDepth: () => WriteStream.prototype.getColorDepth() });

  it("colours text on a terminal only, and not with NO_COLOR", () => {
    for (const name of ["NO_COLOR", "NODE_DISABLE_COLORS", "FORCE_COLOR", "CI", "TMUX"]) vi.stubEnv(name, undefined);
    vi.stubEnv("TERM", "xterm-256color");
    expect(styled("red", "failed", streamFor(true))).toBe("\u001b[31mfailed\u001b[39m");
    expect(styled("red", "failed", streamFor(false))).toBe("failed");
    vi.stubEnv("NO_COLOR", "1");
    expect(styled("red", "failed", streamFor(true))).toBe("failed");
  });

  it("doesn't let the text control the terminal", () => {
    const stream = streamFor(false);
    writeStyled("red", stream, "a\u001b[2Kb");
    expect(String(stream.read())).toBe("a\\u001b[2Kb\n");
  });
});
