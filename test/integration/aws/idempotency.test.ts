import { setImmediate } from "node:timers/promises";
import type { Context } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { LedgerPersistence } from "../../../services/aws/idempotency.ts";
import { onceInLedger } from "../../../services/runtime/once.ts";
import { openLedgerTable } from "../../fixtures/ledger-table.ts";

const SPLIT = { result: "split", remember: true };

const MINUTE = 60_000;

/** Milliseconds that an attempt has left whose lease others take for run out. */
const TIME_IS_UP = -1;

async function openLedger() {
  const { client, table } = await openLedgerTable();
  /** An invocation in an execution environment of its own. */
  const invocation = (awsRequestId: string, left = MINUTE) =>
    onceInLedger(new LedgerPersistence(client, table), {
      awsRequestId,
      getRemainingTimeInMillis: () => left,
    } as Context);
  return { invocation };
}

/** Work that is begun, and ends as it's told to; never, as in an attempt that crashes, where it isn't. */
async function underWay(once: ReturnType<typeof onceInLedger>) {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<typeof SPLIT>();
  const ended = once("video", "asking", () => {
    begun.resolve();
    return end.promise;
  });
  await Promise.race([begun.promise, ended]);
  return { end, ended };
}

describe("work that is done once", () => {
  it("is answered from the ledger the second time", async () => {
    const { invocation } = await openLedger();
    expect(await invocation("a")("video", "asking", async () => SPLIT)).toEqual({ result: "split" });
    expect(await invocation("b")("video", "asking", () => Promise.reject(new Error("done twice")))).toEqual({
      result: "split",
    });
  });

  it("is done again where its result isn't to be remembered", async () => {
    const { invocation } = await openLedger();
    expect(await invocation("a")("video", "asking", async () => ({ result: "rejected", remember: false }))).toEqual({
      result: "rejected",
    });
    expect(await invocation("b")("video", "asking", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is left alone by another delivery while it's under way", async () => {
    const { invocation } = await openLedger();
    await underWay(invocation("a"));
    expect(await invocation("b")("video", "asking", () => Promise.reject(new Error("done twice")))).toEqual({
      busyWith: "asking",
    });
  });

  it("tells another delivery what was asked of it", async () => {
    const { invocation } = await openLedger();
    await underWay(invocation("a"));
    expect(await invocation("b")("video", "something else", async () => SPLIT)).toEqual({ busyWith: "asking" });
  });

  it("is taken over at once by the retry of an attempt that crashed", async () => {
    const { invocation } = await openLedger();
    await underWay(invocation("a"));
    expect(await invocation("a")("video", "asking", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is taken over by any delivery once the owner's time has passed", async () => {
    const { invocation } = await openLedger();
    await underWay(invocation("a", 1));
    await expect.poll(() => invocation("b")("video", "asking", async () => SPLIT)).toEqual({ result: "split" });
  });

  it.each(["fails", "finishes"])(
    "stays with whoever took it over when the attempt before, thought dead, %s after all",
    async (what) => {
      const { invocation } = await openLedger();
      const slow = await underWay(invocation("a", TIME_IS_UP));
      const successor = await underWay(invocation("b"));
      if (what === "fails") slow.end.reject(new Error("S3 is down"));
      else slow.end.resolve(SPLIT);
      await Promise.allSettled([slow.ended]);
      expect(await invocation("c")("video", "asking", () => Promise.reject(new Error("done twice")))).toEqual({
        busyWith: "asking",
      });
      successor.end.resolve(SPLIT);
      expect(await successor.ended).toEqual({ result: "split" });
    },
  );

  it("is done again after it failed", async () => {
    const { invocation } = await openLedger();
    await expect(invocation("a")("video", "asking", () => Promise.reject(new Error("S3 is down")))).rejects.toThrow(
      "S3 is down",
    );
    expect(await invocation("b")("video", "asking", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is done by exactly one of many deliveries at the same time", async () => {
    const { invocation } = await openLedger();
    let runs = 0;
    const work = async () => {
      runs += 1;
      await setImmediate();
      return SPLIT;
    };
    await Promise.all(Array.from({ length: 10 }, (_, n) => invocation(`request-${n}`)("video", "asking", work)));
    expect(runs).toBe(1);
  });
});
