import { setImmediate } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Once } from "../../services/split/ports/once.ts";

/**
 * Makes an invocation of this request id that has so many milliseconds left, in a process of its
 * own.
 */
export type OpenOnce = () => Promise<(requestId: string, leftMs?: number) => Once>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Milliseconds that an attempt has left whose lease others take for run out. */
const TIME_IS_UP = -1;

/** A hash of the requested work. */
const REQUEST_HASH = "in segments of 30 s";

const SPLIT = { result: "split", keep: true };
const neverAgain = () => Promise.reject(new Error("done twice"));

/**
 * Work that has begun and ends when `end` is settled; if it never is, the attempt has crashed.
 */
async function underWay(once: Once) {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<typeof SPLIT>();
  const ended = once("video", REQUEST_HASH, () => {
    begun.resolve();
    return end.promise;
  });
  await Promise.race([begun.promise, ended]);
  return { end, ended };
}

/** The contract of the port, for each implementation of it. */
export function onceContract(name: string, open: OpenOnce): void {
  describe(`work that is done once: ${name}`, () => {
    it("is answered from memory the second time", async () => {
      const invocation = await open();
      const result = { outcome: "split", VideoId: 16_384, segments: 3 };
      expect(await invocation("a")("video", REQUEST_HASH, async () => ({ result, keep: true }))).toEqual({ result });
      expect(await invocation("b")("video", REQUEST_HASH, neverAgain)).toEqual({ result });
    });

    it("is another one under another key", async () => {
      const invocation = await open();
      await underWay(invocation("a"));
      expect(await invocation("a")("another video", REQUEST_HASH, async () => SPLIT)).toEqual({ result: "split" });
    });

    it("is done again when its result isn't kept", async () => {
      const invocation = await open();
      const rejected = await invocation("a")("video", REQUEST_HASH, async () => ({ result: "rejected", keep: false }));
      expect(rejected).toEqual({ result: "rejected" });
      expect(await invocation("b")("video", REQUEST_HASH, async () => SPLIT)).toEqual({ result: "split" });
    });

    it("is done again a day later, and not before", async () => {
      const invocation = await open();
      vi.useFakeTimers({ toFake: ["Date"] });
      onTestFinished(() => void vi.useRealTimers());
      const now = Date.now();
      await invocation("a")("video", REQUEST_HASH, async () => SPLIT);
      vi.setSystemTime(now + DAY_MS - MINUTE_MS);
      expect(await invocation("b")("video", REQUEST_HASH, neverAgain)).toEqual({ result: "split" });
      vi.setSystemTime(now + DAY_MS + MINUTE_MS);
      const again = { result: "again", keep: true };
      expect(await invocation("c")("video", REQUEST_HASH, async () => again)).toEqual({ result: "again" });
    });

    it("is left alone by another delivery while it's under way", async () => {
      const invocation = await open();
      await underWay(invocation("a"));
      expect(await invocation("b")("video", REQUEST_HASH, neverAgain)).toEqual({ busyWith: REQUEST_HASH });
    });

    it("reports to another delivery what was requested of it", async () => {
      const invocation = await open();
      await underWay(invocation("a"));
      expect(await invocation("b")("video", "in segments of 5 s", neverAgain)).toEqual({ busyWith: REQUEST_HASH });
    });

    it("is taken over immediately by the retry of an attempt that crashed", async () => {
      const invocation = await open();
      await underWay(invocation("a"));
      expect(await invocation("a")("video", REQUEST_HASH, async () => SPLIT)).toEqual({ result: "split" });
    });

    it("is taken over by any delivery once the owner's time has passed", async () => {
      const invocation = await open();
      await underWay(invocation("a", 1));
      await expect.poll(() => invocation("b")("video", REQUEST_HASH, async () => SPLIT)).toEqual({ result: "split" });
    });

    it.each(["fails", "finishes"])(
      "stays with the delivery that took it over when the attempt before, which counted as killed, %s",
      async (what) => {
        const invocation = await open();
        const slow = await underWay(invocation("a", TIME_IS_UP));
        const successor = await underWay(invocation("b"));
        if (what === "fails") slow.end.reject(new Error("S3 is down"));
        else slow.end.resolve(SPLIT);
        await Promise.allSettled([slow.ended]);
        expect(await invocation("c")("video", REQUEST_HASH, neverAgain)).toEqual({ busyWith: REQUEST_HASH });
        successor.end.resolve(SPLIT);
        expect(await successor.ended).toEqual({ result: "split" });
      },
    );

    it("is done again after it failed", async () => {
      const invocation = await open();
      const failing = invocation("a")("video", REQUEST_HASH, () => Promise.reject(new Error("S3 is down")));
      await expect(failing).rejects.toThrow("S3 is down");
      expect(await invocation("b")("video", REQUEST_HASH, async () => SPLIT)).toEqual({ result: "split" });
    });

    it("is done by exactly one of many deliveries at the same time", async () => {
      const invocation = await open();
      let runs = 0;
      const work = async () => {
        runs += 1;
        await setImmediate();
        return SPLIT;
      };
      await Promise.all(Array.from({ length: 10 }, (_, n) => invocation(`request-${n}`)("video", REQUEST_HASH, work)));
      expect(runs).toBe(1);
    });
  });
}
