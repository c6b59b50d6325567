import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../infra/emulator/events/pattern/index.ts";
import { wildcardComplexity } from "../../../infra/emulator/events/pattern/wildcard-complexity.ts";

const uploads = (...extensions: string[]): string[] => extensions.map((extension) => `uploads/*.${extension}`);

describe("the complexity of wildcards", () => {
  // What event-ruler's MachineComplexityEvaluator says of a rule with these.
  it.each([
    [["*"], 2],
    [["abc"], 1],
    [["*", "ab*c"], 4],
    [["a*", "a*"], 2],
    [["a*a*a"], 4],
    [["a\\*b"], 1],
    [["*.bif", "*.tiff", "*.tif", "*.svs"], 8],
    [["*/datasync/*.bif", "*/datasync/*.tif"], 8],
    [["*/datasync/*.bif", "*/datasync/*.tiff", "*/datasync/*.tif"], 12],
    [uploads("mp4", "MP4", "Mp4"), 6],
    [[], 0],
  ])("of %j is %d", (wildcards, complexity) => {
    expect(wildcardComplexity(wildcards, 100)).toBe(complexity);
  });

  it("isn't counted beyond the limit, however hostile the wildcards are", () => {
    const hostile = Array.from({ length: 200 }, (_, index) => `${"*a".repeat(40)}*${index}`);
    expect(wildcardComplexity(hostile, 10)).toBe(11);
  });
});

describe("a pattern whose wildcards are too complex for EventBridge", () => {
  const tooMany = uploads("mp4", "m4v", "mov", "mkv", "webm", "avi").map((wildcard) => ({ wildcard }));

  it.each([
    ["in one field", { detail: { object: { key: tooMany } } }],
    ["in the branches of $or", { $or: tooMany.map((each) => ({ key: [each] })) }],
    ["in anything-but", { key: [{ "anything-but": { wildcard: tooMany.map(({ wildcard }) => wildcard) } }] }],
  ])("is refused as AWS does, %s", (_, pattern) => {
    expect(() => compilePattern(pattern)).toThrow(
      "Event pattern is not valid. Reason: Rule is too complex - try using fewer wildcard characters",
    );
  });

  it("isn't one whose wildcards are in several fields, or that has many suffixes", () => {
    const [left, right] = [tooMany.slice(0, 3), tooMany.slice(3)];
    expect(() => compilePattern({ key: left, name: right })).not.toThrow();
    expect(() => compilePattern({ key: tooMany.map((_, index) => ({ suffix: `.${index}` })) })).not.toThrow();
  });
});
