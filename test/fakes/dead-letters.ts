import type { DeadLetters } from "../../services/reconciler/ports/dead-letters.ts";

/** As many as SQS returns at most. */
const MAX_MESSAGES = 10;

type Held = { id: string; body: string; visibleAt: number };

/** A dead-letter queue in memory. `bodies` are those of all dead letters in it, hidden or not. */
export function fakeDeadLetters() {
  const held = new Map<string, Held>();
  let sent = 0;
  const deadLetters: DeadLetters = {
    receive: async (hiddenSeconds, signal) => {
      signal.throwIfAborted();
      const now = Date.now();
      const visible = [...held.values()].filter(({ visibleAt }) => visibleAt <= now).slice(0, MAX_MESSAGES);
      for (const deadLetter of visible) deadLetter.visibleAt = now + hiddenSeconds * 1_000;
      return visible.map(({ id, body }) => ({ id, body, receipt: id }));
    },
    delete: async ({ id }, signal) => {
      signal.throwIfAborted();
      held.delete(id);
    },
    release: async (released) => {
      for (const { id } of released) {
        const deadLetter = held.get(id);
        if (deadLetter !== undefined) deadLetter.visibleAt = 0;
      }
    },
  };
  return {
    deadLetters,
    send: (body: string): void => {
      sent += 1;
      held.set(String(sent), { id: String(sent), body, visibleAt: 0 });
    },
    bodies: (): string[] => [...held.values()].map(({ body }) => body),
  };
}
