import { setImmediate } from "node:timers/promises";
import type { Context } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { LedgerPersistence } from "../../../services/aws/idempotency.ts";
import { onceInLedger } from "../../../services/runtime/once.ts";
import { openLedgerTable } from "../../fixtures/ledger-table.ts";

const SPLIT = { result: "split", remember: true };

const MINUTE = 60_000;

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

/** Work that is begun and never ends, as in an attempt that crashes. */
async function crash(once: ReturnType<typeof onceInLedger>): Promise<void> {
  let begun = () => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  void once("video", () => {
    begun();
    return new Promise<never>(() => {});
  });
  await started;
  await setImmediate();
}

describe("work that is done once", () => {
  it("is answered from the ledger the second time", async () => {
    const { invocation } = await openLedger();
    expect(await invocation("a")("video", async () => SPLIT)).toEqual({ result: "split" });
    expect(await invocation("b")("video", () => Promise.reject(new Error("done twice")))).toEqual({ result: "split" });
  });

  it("is done again where its result isn't to be remembered", async () => {
    const { invocation } = await openLedger();
    expect(await invocation("a")("video", async () => ({ result: "rejected", remember: false }))).toEqual({
      result: "rejected",
    });
    expect(await invocation("b")("video", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is left alone by another delivery while it's under way", async () => {
    const { invocation } = await openLedger();
    await crash(invocation("a"));
    expect(await invocation("b")("video", () => Promise.reject(new Error("done twice")))).toBe("done elsewhere");
  });

  it("is taken over at once by the retry of an attempt that crashed", async () => {
    const { invocation } = await openLedger();
    await crash(invocation("a"));
    expect(await invocation("a")("video", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is taken over by any delivery once the owner's time has passed", async () => {
    const { invocation } = await openLedger();
    await crash(invocation("a", 1));
    await expect.poll(() => invocation("b")("video", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is done again after it failed", async () => {
    const { invocation } = await openLedger();
    await expect(invocation("a")("video", () => Promise.reject(new Error("S3 is down")))).rejects.toThrow("S3 is down");
    expect(await invocation("b")("video", async () => SPLIT)).toEqual({ result: "split" });
  });

  it("is done by exactly one of many deliveries at the same time", async () => {
    const { invocation } = await openLedger();
    let runs = 0;
    const work = async () => {
      runs += 1;
      await setImmediate();
      return SPLIT;
    };
    await Promise.all(Array.from({ length: 10 }, (_, n) => invocation(`request-${n}`)("video", work)));
    expect(runs).toBe(1);
  });
});
