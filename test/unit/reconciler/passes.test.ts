import { describe, expect, it } from "vitest";
import { afterPage, passInterval, passToWorkOn, sameAgain } from "../../../services/reconciler/domain/passes.ts";

const HOUR = 3_600;

describe("when the next pass begins", () => {
  it.each([
    [1, 0],
    [100, 0],
    [138, 0],
    [139, 901],
    [1_000, 1.8 * HOUR],
    [10_000, 18 * HOUR],
  ])("after one of %d LIST calls: %d seconds after that one began", (listCalls, seconds) => {
    expect(passInterval(listCalls)).toBe(seconds);
  });

  it("is immediate for a small bucket, and at its time for a large one", () => {
    expect(passToWorkOn({}, 5)).toEqual({ asOf: 5, listCalls: 0, failures: 0 });
    expect(passToWorkOn({ last: { asOf: 5, listCalls: 100 } }, 6)).toMatchObject({ asOf: 6 });
    const last = { asOf: 0, listCalls: 10_000 };
    expect(passToWorkOn({ last }, 18 * HOUR - 1)).toBe(18 * HOUR);
    expect(passToWorkOn({ last }, 18 * HOUR)).toMatchObject({ asOf: 18 * HOUR });
  });

  it("is not before the pass at hand is complete", () => {
    const pass = { asOf: 5, place: { key: "a" }, listCalls: 7, failures: 0 };
    expect(passToWorkOn({ last: { asOf: 0, listCalls: 1 }, pass }, 1_000_000)).toEqual(pass);
  });
});

describe("how far a pass is", () => {
  const last = { asOf: 1, listCalls: 9 };
  const pass = { asOf: 5, place: { key: "a" }, listCalls: 7, failures: 1 };

  it("continues where the page ended, and is complete with the last one", () => {
    const next = { key: "b", versionId: "v" };
    expect(afterPage({ last, pass }, pass, next)).toEqual({
      last,
      pass: { asOf: 5, place: next, listCalls: 8, failures: 0 },
    });
    expect(afterPage({ last, pass }, pass, undefined)).toEqual({ last: { asOf: 5, listCalls: 8 } });
  });

  it("stays at a page with uploads that can't be looked up, for three runs", () => {
    expect(sameAgain(pass)).toEqual({ ...pass, listCalls: 8, failures: 2 });
    expect(sameAgain({ ...pass, failures: 2 })).toBeUndefined();
  });
});
