import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { DeadLetters } from "../../services/reconciler/ports/dead-letters.ts";
import { NEVER } from "../fixtures/quiet.ts";

type OpenQueue = () => Promise<{
  letters: DeadLetters;
  /** As Lambda does it. */
  send: (body: string) => Promise<void> | void;
}>;

const HIDDEN_SECONDS = 30;

const receiveAll = async (letters: DeadLetters) => {
  const received = [];
  for (;;) {
    const some = await letters.receive(HIDDEN_SECONDS, NEVER);
    if (some.length === 0) return received;
    received.push(...some);
  }
};

/** The contract of the port, for each implementation of it. */
export function deadLettersContract(name: string, open: OpenQueue): void {
  describe(`dead letters: ${name}`, () => {
    it("are received with their bodies, and hidden from others", async () => {
      const { letters, send } = await open();
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toEqual([]);
      await send('{"größe": 1}');
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toMatchObject([{ body: '{"größe": 1}' }]);
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toEqual([]);
    });

    it("are received by others once they are released, all of many", async () => {
      const { letters, send } = await open();
      const bodies = Array.from({ length: 23 }, (_, index) => `letter ${index}`);
      for (const body of bodies) await send(body);
      const first = await receiveAll(letters);
      expect(first.map(({ body }) => body).sort()).toEqual(bodies.toSorted());
      await letters.release(first);
      const again = await receiveAll(letters);
      expect(again.map(({ id }) => id).sort()).toEqual(first.map(({ id }) => id).sort());
    });

    it("are received by others when their time is over, and not before", async () => {
      const { letters, send } = await open();
      vi.useFakeTimers({ toFake: ["Date"] });
      onTestFinished(() => void vi.useRealTimers());
      await send("letter");
      const now = Date.now();
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toHaveLength(1);
      vi.setSystemTime(now + HIDDEN_SECONDS * 1_000 - 5_000);
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toEqual([]);
      vi.setSystemTime(now + HIDDEN_SECONDS * 1_000 + 5_000);
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toHaveLength(1);
    });

    it("are gone once they are deleted, and the others stay", async () => {
      const { letters, send } = await open();
      for (const body of ["a", "b"]) await send(body);
      const received = await letters.receive(HIDDEN_SECONDS, NEVER);
      const [deleted] = received;
      await letters.delete(deleted!, NEVER);
      await letters.delete(deleted!, NEVER);
      await letters.release(received);
      const left = await letters.receive(HIDDEN_SECONDS, NEVER);
      expect(left.map(({ id }) => id)).toEqual(received.slice(1).map(({ id }) => id));
    });

    it("given it was aborted, then throw the reason", async () => {
      const { letters, send } = await open();
      await send("letter");
      const [letter] = await letters.receive(HIDDEN_SECONDS, NEVER);
      const timeIsUp = new Error("time is up");
      const aborted = AbortSignal.abort(timeIsUp);
      await expect(letters.receive(HIDDEN_SECONDS, aborted)).rejects.toBe(timeIsUp);
      await expect(letters.delete(letter!, aborted)).rejects.toBe(timeIsUp);
      await letters.release([letter!]);
      expect(await letters.receive(HIDDEN_SECONDS, NEVER)).toHaveLength(1);
    });
  });
}
