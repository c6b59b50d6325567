import { describe, expect, it } from "vitest";
import { compilePattern, InvalidEventPatternException } from "../../../infra/emulator/events/pattern/index.ts";

const inLeaf = (element: unknown) => ({ field: [element] });

const refused: [what: string, pattern: unknown, reason: string][] = [
  ["no object", "text", "Filter is not an object"],
  ["an array", [], "Filter is not an object"],
  ["null", null, "Filter is not an object"],
  ["an empty pattern", {}, "Empty objects are not allowed"],
  ["an empty inner object", { detail: {} }, "Empty objects are not allowed"],
  ["an empty leaf", { source: [] }, "Empty arrays are not allowed"],
  ["a leaf that is no array", { source: "a" }, '"source" must be an object or an array'],
  ["a leaf that is null", { source: null }, '"source" must be an object or an array'],
  ["an array in a leaf", inLeaf(["a"]), "Match value must be String, number, true, false, or null"],
  ["an unknown operator", inLeaf({ regex: "a" }), "Unrecognized match type regex"],
  ["an operator of Object's prototype", inLeaf({ constructor: "a" }), "Unrecognized match type constructor"],
  ["an empty match expression", inLeaf({}), "Match expression name not found"],
  ["two operators", inLeaf({ prefix: "a", suffix: "b" }), "Only one key allowed in match expression"],
  ["prefix of a number", inLeaf({ prefix: 5 }), "prefix match pattern must be a string"],
  ["prefix of a list", inLeaf({ prefix: ["a"] }), "Unsupported prefix pattern: 0"],
  ["prefix with another operator", inLeaf({ prefix: { wildcard: "a" } }), "Unsupported prefix pattern: wildcard"],
  ["suffix of null", inLeaf({ suffix: null }), "suffix match pattern must be a string"],
  [
    "suffix ignoring the case of a number",
    inLeaf({ suffix: { "equals-ignore-case": 1 } }),
    "equals-ignore-case match pattern",
  ],
  ["equals-ignore-case of a list", inLeaf({ "equals-ignore-case": ["a"] }), "equals-ignore-case match pattern must be"],
  ["exactly of a number", inLeaf({ exactly: 1 }), "exact match pattern must be a string"],
  ["wildcard of a number", inLeaf({ wildcard: 1 }), "wildcard match pattern must be a string"],
  ["consecutive wildcards", inLeaf({ wildcard: "a**b" }), "Consecutive wildcard characters at pos 1"],
  ["an escaped character", inLeaf({ wildcard: "a\\b" }), "Invalid escape character at pos 1"],
  ["a backslash at the end", inLeaf({ wildcard: "a\\" }), "Invalid escape character at pos 1"],
  ["anything-but of true", inLeaf({ "anything-but": true }), "must be an array or single string/number value"],
  ["anything-but of null", inLeaf({ "anything-but": null }), "must be an array or single string/number value"],
  ["anything-but of nothing", inLeaf({ "anything-but": [] }), "mixed type is not supported"],
  ["anything-but of mixed types", inLeaf({ "anything-but": ["a", 1] }), "mixed type is not supported"],
  ["anything-but of booleans", inLeaf({ "anything-but": [true] }), "mixed type is not supported"],
  [
    "anything-but with cidr",
    inLeaf({ "anything-but": { cidr: "10.0.0.0/8" } }),
    "Unsupported anything-but pattern: cidr",
  ],
  ["anything-but an empty prefix", inLeaf({ "anything-but": { prefix: "" } }), "Null prefix/suffix not allowed"],
  ["anything-but an empty suffix", inLeaf({ "anything-but": { suffix: ["a", ""] } }), "Null prefix/suffix not allowed"],
  ["anything-but no prefixes", inLeaf({ "anything-but": { prefix: [] } }), "Empty arrays are not allowed"],
  [
    "anything-but a number's prefix",
    inLeaf({ "anything-but": { prefix: 1 } }),
    "prefix/suffix match pattern must be a string",
  ],
  [
    "anything-but a bad wildcard",
    inLeaf({ "anything-but": { wildcard: ["a", "**"] } }),
    "Consecutive wildcard characters",
  ],
  ["anything-but two operators", inLeaf({ "anything-but": { prefix: "a", suffix: "b" } }), "Only one key allowed"],
  ["exists of a text", inLeaf({ exists: "true" }), "exists match pattern must be either true or false."],
  ["numeric of a number", inLeaf({ numeric: 5 }), "Value of numeric must be an array."],
  ["numeric without terms", inLeaf({ numeric: [] }), "Invalid member in numeric match"],
  ["numeric without a value", inLeaf({ numeric: ["<"] }), "Value of < must be numeric"],
  ["numeric with a text", inLeaf({ numeric: ["=", "5"] }), "Value of equals must be numeric"],
  ["numeric with an unknown operator", inLeaf({ numeric: ["!=", 5] }), "Unrecognized numeric range operator: !="],
  ["numeric with equals and more", inLeaf({ numeric: ["=", 5, "<", 6] }), "Too many elements in numeric expression"],
  ["a range from above", inLeaf({ numeric: ["<", 5, ">", 0] }), "Too many elements in numeric expression"],
  ["a range with two lower bounds", inLeaf({ numeric: [">", 0, ">", 5] }), "Bad numeric range operator: >"],
  ["a range with nothing in it", inLeaf({ numeric: [">", 5, "<", 5] }), "Bottom must be less than top"],
  [
    "a range of three bounds",
    inLeaf({ numeric: [">", 0, "<", 5, "<", 6] }),
    "Too many terms in numeric range expression",
  ],
  ["a range with a number for an operator", inLeaf({ numeric: [">", 0, 5, 6] }), "Bad value in numeric range: 5"],
  ["a number beyond a double", inLeaf({ numeric: ["<", Number.POSITIVE_INFINITY] }), "Cannot compare number"],
  ["cidr of a number", inLeaf({ cidr: 10 }), "cidr match pattern must be a string"],
  ["cidr without a mask", inLeaf({ cidr: "10.0.0.0" }), "Malformed CIDR, one '/' required"],
  ["cidr with two masks", inLeaf({ cidr: "10.0.0.0/8/8" }), "Malformed CIDR, one '/' required"],
  ["cidr with a negative mask", inLeaf({ cidr: "10.0.0.0/-1" }), "Malformed CIDR, mask bits must be an integer"],
  ["cidr of one IPv4 address", inLeaf({ cidr: "10.0.0.0/32" }), "IPv4 mask bits must be < 32"],
  ["cidr of one IPv6 address", inLeaf({ cidr: "::1/128" }), "IPv6 mask bits must be < 128"],
  ["cidr of a name", inLeaf({ cidr: "host/8" }), "Nonstandard IP address: host"],
  ["$or of one object", { $or: [{ a: [1] }] }, "There must have at least 2 Objects in $or relationship."],
  ["$or of values", { $or: [1, 2] as unknown[], b: [[]] }, "Only JSON object is allowed in array of $or relationship."],
  ["an operator for a field in $or", { $or: [{ prefix: ["a"] }, { b: [1] }] }, "prefix is Ruler reserved fieldName"],
  ["$or with an empty object", { $or: [{ a: [1] }, {}] }, "Empty objects are not allowed"],
  [
    "$or of more than 1,000 combinations",
    { $or: Array.from({ length: 1_001 }, (_, at) => ({ [`f${at}`]: [1] })) },
    "more than 1000 combinations",
  ],
];

describe("a pattern that EventBridge refuses", () => {
  it.each(refused)("given %s, then it is refused with the reason", (_, pattern, reason) => {
    expect(() => compilePattern(pattern)).toThrow(InvalidEventPatternException);
    expect(() => compilePattern(pattern)).toThrow("Event pattern is not valid. Reason: ");
    expect(() => compilePattern(pattern)).toThrow(reason);
  });
});
