import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Condition, unlessAborted } from "../../../services/ffmpeg/process/condition.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort");

describe("waiting for a condition", () => {
  it("resolves immediately when it's true already", async () => {
    const { signal } = new AbortController();
    await new Condition().waitFor(() => true, signal);
    expect(listeners(signal)).toEqual([]);
  });

  it("checks after each change, and resolves when it's true", async () => {
    const condition = new Condition();
    const { signal } = new AbortController();
    let packets = 0;
    const waiting = condition.waitFor(() => packets >= 2, signal);
    for (packets = 1; packets <= 3; packets += 1) condition.notify();
    await waiting;
    expect(listeners(signal)).toEqual([]);
  });

  it("gives a free slot to one waiter, in the order of waiting", async () => {
    const condition = new Condition();
    const { signal } = new AbortController();
    let free = 0;
    const taken: string[] = [];
    const take = async (name: string) => {
      await condition.waitFor(() => free > 0 && free-- > 0, signal);
      taken.push(name);
    };
    const all = Promise.all([take("a"), take("b"), take("c")]);
    for (const order of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      free += 1;
      condition.notify();
      await Promise.resolve();
      await Promise.resolve();
      expect(taken).toEqual(order);
    }
    await all;
  });

  it("rejects with the signal's reason when aborted, before or while it waits", async () => {
    const reason = new Error("out of time");
    const condition = new Condition();
    await expect(condition.waitFor(() => true, AbortSignal.abort(reason))).rejects.toBe(reason);

    const aborting = new AbortController();
    const waiting = condition.waitFor(() => false, aborting.signal);
    aborting.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(listeners(aborting.signal)).toEqual([]);
  });

  it("rejects with what the predicate throws, and doesn't check again", async () => {
    const condition = new Condition();
    const { signal } = new AbortController();
    let looks = 0;
    let failure: Error | undefined;
    const waiting = condition.waitFor(() => {
      looks += 1;
      if (failure !== undefined) throw failure;
      return false;
    }, signal);
    failure = new Error("the source ends");
    condition.notify();
    condition.notify();
    await expect(waiting).rejects.toBe(failure);
    expect(looks).toBe(2);
    expect(listeners(signal)).toEqual([]);
  });
});

describe("abandoning work when aborted", () => {
  it("settles as the work does", async () => {
    const { signal } = new AbortController();
    const failure = new Error("failed");
    expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1);
    await expect(unlessAborted(Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(listeners(signal)).toEqual([]);
  });

  it("rejects immediately when aborted, and ignores a later failure of the work", async () => {
    const aborting = new AbortController();
    const reason = new Error("out of time");
    const { promise, reject } = Promise.withResolvers<void>();
    const left = unlessAborted(promise, aborting.signal);
    aborting.abort(reason);
    await expect(left).rejects.toBe(reason);
    reject(new Error("nobody waits for this"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(listeners(aborting.signal)).toEqual([]);
  });
});
