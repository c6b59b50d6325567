import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../infra/emulator/events/pattern/index.ts";
import { wildcard } from "../../../infra/emulator/events/pattern/text-tests.ts";

/** Whether a field that holds `value` meets a leaf with this one element. */
const meets = (element: unknown, value: unknown): boolean => compilePattern({ field: [element] })({ field: value });

type Case = { element: unknown; matching: unknown[]; other: unknown[] };

const cases: Record<string, Case[]> = {
  "exact values": [
    {
      element: "running",
      matching: ["running", ["stopped", "running"]],
      other: ["Running", "runnin", "", 5, null, []],
    },
    { element: "", matching: [""], other: [" ", null, false, 0] },
    { element: 300, matching: [300, 300.0, 3.0e2], other: ["300", 301, -300, true] },
    { element: 0, matching: [0, -0], other: ["0", false, null, ""] },
    { element: 1.5, matching: [1.5], other: [1.4999999, 2] },
    { element: 123456789012, matching: [123456789012], other: [123456789013, "123456789012"] },
    { element: true, matching: [true], other: ["true", 1, false] },
    { element: false, matching: [false], other: ["false", 0, null, ""] },
    { element: null, matching: [null, [1, null]], other: ["null", 0, "", false, {}] },
    { element: { exactly: "x*" }, matching: ["x*"], other: ["xy"] },
  ],
  "IP addresses as exact values": [
    { element: "10.0.0.1", matching: ["10.0.0.1", "::ffff:a00:1"], other: ["10.0.0.2", "10.0.0.10"] },
    { element: "::1", matching: ["::1", "0:0:0:0:0:0:0:1"], other: ["::2", "1"] },
    { element: "ab:cd", matching: ["ab:cd"], other: ["AB:CD"] },
  ],
  prefix: [
    { element: { prefix: "vid" }, matching: ["vid", "video"], other: ["avid", "Video", "vi", 5, null] },
    { element: { prefix: "" }, matching: ["", "any"], other: [5, true, null] },
    {
      element: { prefix: { "equals-ignore-case": "VId" } },
      matching: ["video", "VIDEO", "vid"],
      other: ["avid", "vi", 5],
    },
  ],
  suffix: [
    { element: { suffix: ".mp4" }, matching: ["a.mp4", ".mp4"], other: ["a.MP4", "mp4", "a.mp4.txt", 4] },
    { element: { suffix: { "equals-ignore-case": ".mp4" } }, matching: ["a.Mp4", ".MP4"], other: ["a.mp", "amp4"] },
  ],
  "equals-ignore-case": [
    { element: { "equals-ignore-case": "Été.1" }, matching: ["éTÉ.1", "Été.1"], other: ["Ete.1", "Étéx1", "Été.", 1] },
    { element: { "equals-ignore-case": "ß" }, matching: ["ß", "SS"], other: ["ss", "S"] },
    { element: { "equals-ignore-case": "a|b" }, matching: ["A|B"], other: ["a", "b"] },
  ],
  wildcard: [
    { element: { wildcard: "*" }, matching: ["", "x", "a\nb"], other: [5, null, true] },
    {
      element: { wildcard: "up/*.mp4" },
      matching: ["up/.mp4", "up/a/b.mp4"],
      other: ["up/a.mp", "xup/a.mp4", "up/.mp4x"],
    },
    { element: { wildcard: "a*b*a" }, matching: ["aba", "axbya", "abba"], other: ["aa", "ab", "abab"] },
    { element: { wildcard: "ab*ba" }, matching: ["abba", "ab-ba"], other: ["aba"] },
    { element: { wildcard: "*bc*" }, matching: ["bc", "abcd"], other: ["cb", "b-c"] },
    { element: { wildcard: "a\\*b" }, matching: ["a*b"], other: ["axb", "a\\*b"] },
    { element: { wildcard: "a\\\\*" }, matching: ["a\\", "a\\b"], other: ["a*", "ab"] },
    { element: { wildcard: "plain" }, matching: ["plain"], other: ["plainer", "plai"] },
  ],
  "anything-but": [
    {
      element: { "anything-but": "stopped" },
      matching: ["running", 5, null, true, ["stopped", "x"]],
      other: ["stopped", []],
    },
    { element: { "anything-but": 100 }, matching: [101, "100"], other: [100, 1e2] },
    { element: { "anything-but": ["a", "b"] }, matching: ["c", 1], other: ["a", "b", ["a", "b"]] },
    { element: { "anything-but": [1, 2] }, matching: [3, "1"], other: [1, 2.0] },
    { element: { "anything-but": { prefix: "init" } }, matching: ["running", 5], other: ["init", "initial"] },
    { element: { "anything-but": { prefix: ["a", "b"] } }, matching: ["c", ""], other: ["ax", "b"] },
    { element: { "anything-but": { suffix: ".txt" } }, matching: ["a.mp4", null], other: ["a.txt"] },
    { element: { "anything-but": { suffix: [".txt", ".md"] } }, matching: ["a.mp4"], other: ["a.md", "a.txt"] },
    { element: { "anything-but": { "equals-ignore-case": "Off" } }, matching: ["on", "offf"], other: ["OFF", "off"] },
    { element: { "anything-but": { "equals-ignore-case": ["a", "B"] } }, matching: ["c"], other: ["A", "b"] },
    { element: { "anything-but": { wildcard: "*/bin/*.jar" } }, matching: ["a.jar"], other: ["x/bin/y.jar"] },
    { element: { "anything-but": { wildcard: ["*.jar", "*.class"] } }, matching: ["a.ts"], other: ["a.jar", ".class"] },
  ],
  numeric: [
    { element: { numeric: ["=", 3.018e2] }, matching: [301.8], other: [301.80001, "301.8", null] },
    { element: { numeric: ["<", 10] }, matching: [9.99, -1e300], other: [10, 11, "9"] },
    { element: { numeric: ["<=", 10] }, matching: [10, -5], other: [10.01] },
    { element: { numeric: [">", -1] }, matching: [0, -0.5], other: [-1, -2] },
    { element: { numeric: [">=", -1] }, matching: [-1, 7], other: [-1.1] },
    { element: { numeric: [">", 0, "<=", 5] }, matching: [0.1, 5], other: [0, 5.1] },
    { element: { numeric: [">=", 0, "<", 5] }, matching: [0, 4.9], other: [-0.1, 5] },
  ],
  cidr: [
    {
      element: { cidr: "10.0.0.0/24" },
      matching: ["10.0.0.0", "10.0.0.255"],
      other: ["10.0.1.0", "11.0.0.0", "x", 10],
    },
    { element: { cidr: "10.0.0.77/25" }, matching: ["10.0.0.1", "10.0.0.127"], other: ["10.0.0.128"] },
    { element: { cidr: "0.0.0.0/0" }, matching: ["255.1.2.3"], other: ["::1", "256.0.0.1", "1.2.3"] },
    {
      element: { cidr: "2001:db8::/32" },
      matching: ["2001:db8::1", "2001:DB8:ffff::"],
      other: ["2001:db9::1", "10.0.0.1"],
    },
    { element: { cidr: "::1/127" }, matching: ["::", "::1"], other: ["::2"] },
  ],
  exists: [
    { element: { exists: true }, matching: [1, "", null, false, [0]], other: [[], {}, { inner: 1 }] },
    { element: { exists: false }, matching: [[], {}, { inner: 1 }], other: [1, "", null, false, [0]] },
  ],
};

describe.each(Object.entries(cases))("%s", (_, ofOperator) => {
  it.each(ofOperator)(
    "given $element, then what it describes matches and nothing else",
    ({ element, matching, other }) => {
      expect(matching.filter((value) => !meets(element, value))).toEqual([]);
      expect(other.filter((value) => meets(element, value))).toEqual([]);
    },
  );
});

describe("a leaf with several elements", () => {
  it("matches when any of them does", () => {
    const matches = compilePattern({ state: ["a", { prefix: "b" }, 5, { exists: false }] });
    expect(["a", "bc", 5].every((state) => matches({ state }))).toBe(true);
    expect(matches({})).toBe(true);
    expect(matches({ state: "c" })).toBe(false);
  });

  it("takes time in proportion to the text for many wildcards", () => {
    const matches = wildcard(`${"*a".repeat(200)}*b`);
    const began = performance.now();
    expect(matches("a".repeat(200_000))).toBe(false);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
