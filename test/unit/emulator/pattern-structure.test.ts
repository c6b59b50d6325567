import { describe, expect, it } from "vitest";
import { compilePattern } from "../../../infra/emulator/events/pattern/index.ts";

const matches = (pattern: unknown, event: unknown): boolean => compilePattern(pattern)(event);

describe("fields", () => {
  it("given several fields, then all of them must match", () => {
    const pattern = { source: ["s"], detail: { state: ["on"] } };
    expect(matches(pattern, { source: "s", detail: { state: "on", more: 1 } })).toBe(true);
    expect(matches(pattern, { source: "s", detail: { state: "off" } })).toBe(false);
    expect(matches(pattern, { source: "s" })).toBe(false);
  });

  it("given a dotted name, then it is the same as a nested field, as in event-ruler", () => {
    expect(matches({ "detail.state": ["on"] }, { detail: { state: "on" } })).toBe(true);
    expect(matches({ detail: { state: ["on"] } }, { "detail.state": "on" })).toBe(true);
  });

  it("given a path twice, then the later one counts", () => {
    const pattern = { detail: { state: ["on"] }, "detail.state": ["off"] };
    expect(matches(pattern, { detail: { state: "off" } })).toBe(true);
    expect(matches(pattern, { detail: { state: "on" } })).toBe(false);
  });

  it("given names of operators, then they are fields like any other", () => {
    expect(matches({ prefix: ["x"], cidr: { "<": [1] } }, { prefix: "x", cidr: { "<": 1 } })).toBe(true);
  });

  it("given names of Object's prototype, then they are fields like any other", () => {
    expect(matches({ constructor: ["x"] }, { constructor: "x" })).toBe(true);
    expect(matches({ constructor: [{ exists: true }] }, {})).toBe(false);
    expect(matches({ toString: { length: [{ exists: false }] } }, {})).toBe(true);
  });

  it.each([["text"], [5], [null], [undefined], [["a"]]])("given %j for an event, then it doesn't match", (event) => {
    expect(matches({ field: [{ exists: false }] }, event)).toBe(false);
  });
});

describe("$or", () => {
  const pattern = {
    source: ["s"],
    $or: [{ a: [1] }, { b: [2], c: [3], $or: [{ d: [4] }, { e: [5] }] }],
  };

  it.each([
    [{ source: "s", a: 1 }, true],
    [{ source: "s", b: 2, c: 3, d: 4 }, true],
    [{ source: "s", b: 2, c: 3, e: 5 }, true],
    [{ source: "s", b: 2, c: 3 }, false],
    [{ source: "s", b: 2, d: 4 }, false],
    [{ source: "other", a: 1 }, false],
  ])("given alternatives within alternatives, then %j is %s", (event, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });

  it("given two of them on different levels, then both must match", () => {
    const both = { $or: [{ a: [1] }, { b: [1] }], detail: { $or: [{ c: [1] }, { d: { e: [1] } }] } };
    expect(matches(both, { b: 1, detail: { d: { e: 1 } } })).toBe(true);
    expect(matches(both, { b: 1, detail: { d: 1 } })).toBe(false);
    expect(matches(both, { detail: { c: 1 } })).toBe(false);
  });

  it("given a field both beside and inside it, then the one that comes later counts", () => {
    const inside = { a: ["beside"], $or: [{ a: ["inside"] }, { b: [1] }] };
    expect(matches(inside, { a: "inside" })).toBe(true);
    expect(matches(inside, { a: "beside" })).toBe(false);
    expect(matches(inside, { a: "beside", b: 1 })).toBe(true);
    const beside = { $or: [{ a: ["inside"] }, { b: [1] }], a: ["beside"] };
    expect(matches(beside, { a: "inside" })).toBe(false);
    expect(matches(beside, { a: "beside" })).toBe(true);
  });

  it.each([
    [{ $or: { type: ["t"] } }, { $or: { type: "t" } }],
    [{ $or: [{ cidr: "10.0.0.0/24" }] }, { $or: "10.0.0.7" }],
    [{ detail: { $or: [{ numeric: [">", 0, "<=", 5] }, { cidr: "10.0.0.0/8" }] } }, { detail: { $or: 3 } }],
  ])("given %j, which can't be alternatives, then it is a field of that name", (asField, event) => {
    expect(matches(asField, event)).toBe(true);
    expect(matches(asField, { detail: {} })).toBe(false);
  });
});

describe("arrays in events", () => {
  const employees = [
    { first: "John", last: "Doe" },
    { first: "Anna", last: "Smith" },
    { first: "Peter", last: "Jones" },
  ];

  it("given an array, then any element may match", () => {
    expect(matches({ resources: ["b"] }, { resources: ["a", "b"] })).toBe(true);
    expect(matches({ resources: ["b"] }, { resources: [["a"], [["b"]]] })).toBe(true);
    expect(matches({ employees: { first: ["Anna"] } }, { employees })).toBe(true);
    expect(matches({ employees: { first: ["Anna"] } }, { employees: [employees, []] })).toBe(true);
  });

  it("given two fields, then they must be in the same element", () => {
    expect(matches({ employees: { first: ["Anna"], last: ["Smith"] } }, { employees })).toBe(true);
    expect(matches({ employees: { first: ["Anna"], last: ["Jones"] } }, { employees })).toBe(false);
  });

  it("given fields in different arrays, then each may be in an element of its own", () => {
    const event = { a: [{ x: 1 }, { x: 2 }], b: [{ y: 1 }, { y: 2 }] };
    expect(matches({ a: { x: [1] }, b: { y: [2] } }, event)).toBe(true);
  });

  it("given arrays in arrays, then the elements must agree on each level", () => {
    const event = {
      teams: [
        {
          name: "red",
          members: [
            { n: 1, ok: true },
            { n: 2, ok: false },
          ],
        },
        { name: "blue", members: [{ n: 2, ok: true }] },
      ],
    };
    expect(matches({ teams: { name: ["red"], members: { n: [2], ok: [false] } } }, event)).toBe(true);
    expect(matches({ teams: { name: ["red"], members: { n: [2], ok: [true] } } }, event)).toBe(false);
    expect(matches({ teams: { name: ["blue"], members: { n: [1] } } }, event)).toBe(false);
  });

  it("given a value beside an object in one array, then they needn't be in the same element", () => {
    expect(matches({ a: [5], "a.b": [1] }, { a: [5, { b: 1 }] })).toBe(true);
    expect(matches({ a: [5], "a.b": [1], "a.c": [2] }, { a: [5, { b: 1 }, { c: 2 }] })).toBe(false);
  });

  it("given values side by side in one array, then they needn't be the same", () => {
    expect(matches({ "a.b": [1], a: { c: [2] } }, { a: { b: [1, 2], c: [1, 2] } })).toBe(true);
  });

  it("given exists: false, then the field must be missing from the element that the others chose", () => {
    const event = { list: [{ a: 1 }, { b: 2 }] };
    expect(matches({ list: { a: [1], b: [{ exists: false }] } }, event)).toBe(true);
    // Fields are looked at in alphabetical order: nothing has chosen an element when "a" is requested.
    expect(matches({ list: { a: [{ exists: false }], b: [2] } }, event)).toBe(false);
  });

  /**
   * Linear matching needs less, and quadratic many times as much. CPU time of this thread, so that
   * a busy machine doesn't matter.
   */
  const MAX_CPU_MICROSECONDS = 5_000_000;

  it("given large arrays that have nothing to do with each other, then matching stays fast", () => {
    const list = Array.from({ length: 5_000 }, (_, at) => ({ a: 1, b: at }));
    const fields = { a: [1], b: [{ exists: true }] };
    const before = process.threadCpuUsage();
    expect(matches({ l: fields, m: fields, n: { a: [2] } }, { l: list, m: list, n: list })).toBe(false);
    expect(process.threadCpuUsage(before).user).toBeLessThan(MAX_CPU_MICROSECONDS);
  });

  it("given large arrays, then matching stays fast", { tags: "full" }, () => {
    const list = Array.from({ length: 20_000 }, (_, at) => ({ a: 1, b: at, c: 1 }));
    const before = process.threadCpuUsage();
    expect(matches({ l: { a: [1], b: [{ exists: true }], c: [2] }, m: { a: [1], b: [2] } }, { l: list, m: list })).toBe(
      false,
    );
    expect(matches({ l: { a: [1], b: [19_999], c: [1] }, m: { a: [1] } }, { l: list, m: list })).toBe(true);
    expect(process.threadCpuUsage(before).user).toBeLessThan(MAX_CPU_MICROSECONDS);
  });
});

it("given an object that the pattern doesn't name, then its fields aren't read", () => {
  const unread = new Proxy({}, { ownKeys: () => expect.fail("its fields were read") });
  const matches = compilePattern({ source: ["test"], detail: { kept: ["a"], "b.c": [{ exists: false }] } });
  expect(matches({ source: "test", detail: { kept: "a", other: unread, list: [unread] }, more: unread })).toBe(true);
  expect(matches({ source: "test", detail: { kept: "a", b: { c: 1 } } })).toBe(false);
});
