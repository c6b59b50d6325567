import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { DeadLetters } from "../../services/reconciler/ports/dead-letters.ts";
import { NEVER } from "../fixtures/quiet.ts";

type OpenQueue = () => Promise<{
  deadLetters: DeadLetters;
  /** As Lambda does it. */
  send: (body: string) => Promise<void> | void;
}>;

const HIDDEN_SECONDS = 30;

const receiveAll = async (deadLetters: DeadLetters) => {
  const received = [];
  for (;;) {
    const some = await deadLetters.receive(HIDDEN_SECONDS, NEVER);
    if (some.length === 0) return received;
    received.push(...some);
  }
};

/** The contract of the port, for each implementation of it. */
export function deadLettersContract(name: string, open: OpenQueue): void {
  describe(`dead letters: ${name}`, () => {
    it("are received with their bodies, and hidden from others", async () => {
      const { deadLetters, send } = await open();
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toEqual([]);
      await send('{"größe": 1}');
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toMatchObject([{ body: '{"größe": 1}' }]);
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toEqual([]);
    });

    it("are received by others once they are released, all of many", async () => {
      const { deadLetters, send } = await open();
      const bodies = Array.from({ length: 23 }, (_, index) => `dead letter ${index}`);
      for (const body of bodies) await send(body);
      const first = await receiveAll(deadLetters);
      expect(first.map(({ body }) => body).sort()).toEqual(bodies.toSorted());
      await deadLetters.release(first);
      const again = await receiveAll(deadLetters);
      expect(again.map(({ id }) => id).sort()).toEqual(first.map(({ id }) => id).sort());
    });

    it("are received by others when their time is over, and not before", async () => {
      const { deadLetters, send } = await open();
      vi.useFakeTimers({ toFake: ["Date"] });
      onTestFinished(() => void vi.useRealTimers());
      await send("deadLetter");
      const now = Date.now();
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toHaveLength(1);
      vi.setSystemTime(now + HIDDEN_SECONDS * 1_000 - 5_000);
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toEqual([]);
      vi.setSystemTime(now + HIDDEN_SECONDS * 1_000 + 5_000);
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toHaveLength(1);
    });

    it("aren't received after they were deleted, and the others stay", async () => {
      const { deadLetters, send } = await open();
      for (const body of ["a", "b"]) await send(body);
      const received = await deadLetters.receive(HIDDEN_SECONDS, NEVER);
      const [deleted] = received;
      await deadLetters.delete(deleted!, NEVER);
      await deadLetters.delete(deleted!, NEVER);
      await deadLetters.release(received);
      const left = await deadLetters.receive(HIDDEN_SECONDS, NEVER);
      expect(left.map(({ id }) => id)).toEqual(received.slice(1).map(({ id }) => id));
    });

    it("given it was aborted, then throw the reason", async () => {
      const { deadLetters, send } = await open();
      await send("deadLetter");
      const [deadLetter] = await deadLetters.receive(HIDDEN_SECONDS, NEVER);
      const timeIsUp = new Error("time is up");
      const aborted = AbortSignal.abort(timeIsUp);
      await expect(deadLetters.receive(HIDDEN_SECONDS, aborted)).rejects.toBe(timeIsUp);
      await expect(deadLetters.delete(deadLetter!, aborted)).rejects.toBe(timeIsUp);
      await deadLetters.release([deadLetter!]);
      expect(await deadLetters.receive(HIDDEN_SECONDS, NEVER)).toHaveLength(1);
    });
  });
}
