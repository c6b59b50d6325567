import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { mapConcurrently } from "../../../services/video/concurrency.ts";

const NUMBERS = Array.from({ length: 20 }, (_, n) => n);

/** Counts what is begun and what is under way. */
function counted() {
  const count = { begun: 0, underWay: 0, most: 0 };
  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    count.begun += 1;
    count.underWay += 1;
    count.most = Math.max(count.most, count.underWay);
    try {
      return await work();
    } finally {
      count.underWay -= 1;
    }
  };
  return { count, during };
}

describe("working on many items at the same time", () => {
  it("returns the results in the items' order, and never does more than allowed concurrently", async () => {
    const { count, during } = counted();
    const doubled = await mapConcurrently(NUMBERS, 3, (n) =>
      during(async () => {
        for (let turns = 0; turns < (n * 7) % 5; turns += 1) await setImmediate();
        return 2 * n;
      }),
    );
    expect(doubled).toEqual(NUMBERS.map((n) => 2 * n));
    expect(count.most).toBe(3);
  });

  it("has nothing to do for no items", async () => {
    expect(await mapConcurrently([], 3, () => Promise.reject(new Error("worked on nothing")))).toEqual([]);
  });

  it("given one fails, then no other is started, and the failure is thrown when the running ones have settled", async () => {
    const { count, during } = counted();
    const failure = new Error("throttled");
    const working = mapConcurrently(NUMBERS, 3, (n, signal) =>
      during(async () => {
        if (n === 1) throw failure;
        while (!signal.aborted) await setImmediate();
        await setImmediate();
      }),
    );
    await expect(working).rejects.toBe(failure);
    expect(count).toMatchObject({ begun: 3, underWay: 0 });
  });

  it("given it's aborted, then it throws the reason when all have settled", async () => {
    const { count, during } = counted();
    const leaving = new AbortController();
    const working = mapConcurrently(
      NUMBERS,
      3,
      (_n, signal) =>
        during(async () => {
          while (!signal.aborted) await setImmediate();
          await setImmediate();
        }),
      leaving.signal,
    );
    await setImmediate();
    leaving.abort(new Error("time is up"));
    await expect(working).rejects.toThrow("time is up");
    expect(count).toMatchObject({ begun: 3, underWay: 0 });
  });
});
