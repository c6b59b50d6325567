import fc from "fast-check";
import { expect, it } from "vitest";
import { compilePattern } from "../../../infra/emulator/events/pattern/index.ts";

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

const isStructured = (value: Json): value is Json[] | { [name: string]: Json } =>
  typeof value === "object" && value !== null;

/**
 * The definition that the README of event-ruler gives of arrays, taken literally: every way to choose one object of each array, with all
 * values that are directly in arrays kept. Slow, and nothing like the code under test.
 */
function readings(value: Json, path: string): Map<string, Json[]>[] {
  if (!isStructured(value)) return [new Map([[path, [value]]])];
  if (!Array.isArray(value)) {
    return Object.entries(value).reduce<Map<string, Json[]>[]>(
      (soFar, [name, child]) => combined(soFar, readings(child, path === "" ? name : `${path}.${name}`)),
      [new Map()],
    );
  }
  const values = value.filter((element) => !isStructured(element));
  const structured = value.filter(isStructured);
  const direct = [values.length === 0 ? new Map<string, Json[]>() : new Map([[path, values]])];
  if (structured.length === 0) return direct;
  return combined(
    direct,
    structured.flatMap((element) => readings(element, path)),
  );
}

const combined = (left: Map<string, Json[]>[], right: Map<string, Json[]>[]): Map<string, Json[]>[] =>
  left.flatMap((one) =>
    right.map((other) => {
      const both = new Map(one);
      for (const [path, values] of other) both.set(path, [...(both.get(path) ?? []), ...values]);
      return both;
    }),
  );

type Element = { pattern: Json; meets: (value: Json) => boolean };

const text = fc.constantFrom("", "a", "ab", "b", "ba", "A");
const number = fc.constantFrom(0, 1, 2.5, -3);
const element: fc.Arbitrary<Element> = fc.oneof(
  fc
    .oneof(text, number, fc.boolean(), fc.constant(null))
    .map((value) => ({ pattern: value, meets: (other: Json) => other === value })),
  text.map((start) => ({
    pattern: { prefix: start },
    meets: (value: Json) => typeof value === "string" && value.indexOf(start) === 0,
  })),
  text.map((end) => ({
    pattern: { suffix: end },
    meets: (value: Json) =>
      typeof value === "string" && value.slice(value.length - end.length) === end && value.length >= end.length,
  })),
  number.map((bound) => ({
    pattern: { numeric: [">=", bound] },
    meets: (value: Json) => typeof value === "number" && !(value < bound),
  })),
  fc
    .array(text, { minLength: 1, maxLength: 2 })
    .map((list) => ({ pattern: { "anything-but": list }, meets: (value: Json) => !(list as Json[]).includes(value) })),
  fc.constant({ pattern: { exists: true }, meets: () => true }),
);

const leaf = fc.record({
  path: fc.constantFrom("a", "b", "c.a", "c.b", "c.c.a"),
  elements: fc.array(element, { minLength: 1, maxLength: 2 }),
});
const leaves = fc.uniqueArray(leaf, { minLength: 1, maxLength: 3, selector: ({ path }) => path });

const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const names = fc.constantFrom("a", "b", "c");
const inner = fc.dictionary(names, fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), { maxKeys: 3 });
const list = fc.array(fc.oneof({ weight: 4, arbitrary: inner }, scalar, fc.array(inner, { maxLength: 2 })), {
  maxLength: 3,
});
const outer = fc.dictionary(names, fc.oneof(scalar, inner, list), { maxKeys: 3 });
const event: fc.Arbitrary<{ [name: string]: Json }> = fc.record({
  a: fc.oneof(scalar, list),
  b: scalar,
  c: fc.oneof(list, outer, fc.array(outer, { maxLength: 3 })),
});

/** Of each property: a few, and many where all is run. */
const CASES = [
  { numRuns: 500, tags: [] },
  { numRuns: 3_000, tags: ["full"] },
];

const READINGS =
  "given any pattern without exists: false, then it matches what some reading of the event's arrays holds";
const STARS = "given any text with stars, then wildcard is what the same regular expression is";

for (const { numRuns, tags } of CASES) {
  it(`${READINGS} (${numRuns} cases)`, { tags }, () => {
    let matched = 0;
    fc.assert(
      fc.property(leaves, event, (fields, given) => {
        const pattern = Object.fromEntries(
          fields.map(({ path, elements }) => [path, elements.map((one) => one.pattern)]),
        );
        const expected = readings(given, "").some((reading) =>
          fields.every(({ path, elements }) =>
            reading.get(path)?.some((value) => elements.some(({ meets }) => meets(value))),
          ),
        );
        if (expected) matched++;
        return compilePattern(pattern)(given) === expected;
      }),
      { numRuns },
    );
    expect(matched).toBeGreaterThan(10);
  });

  it(`${STARS} (${numRuns} cases)`, { tags }, () => {
    const starred = fc
      .array(fc.constantFrom("a", "b", "*", "\\*", "\\\\"), { maxLength: 6 })
      .filter((parts) => !parts.join("\0").includes("*\0*"));
    const candidate = fc.array(fc.constantFrom("a", "b", "*", "\\"), { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(starred, candidate, (parts, given) => {
        const expression = parts.map((part) => (part === "*" ? ".*" : part)).join("");
        return (
          compilePattern({ f: [{ wildcard: parts.join("") }] })({ f: given }) ===
          new RegExp(`^${expression}$`).test(given)
        );
      }),
      { numRuns },
    );
  });
}

it("given any JSON for a pattern, then it is compiled or refused, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (pattern, given) => {
      let compiled: (event: unknown) => boolean;
      try {
        compiled = compilePattern(pattern);
      } catch (error) {
        return error instanceof Error && error.name === "InvalidEventPatternException";
      }
      return typeof compiled(given) === "boolean";
    }),
  );
});
