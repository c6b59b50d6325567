import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** One handler that waits at the gate. */
export type Waiting = { report: Record<string, unknown>; letGo(): void };

/** A server that handlers report to, and which decides when they continue. */
export type Gate = {
  url: string;
  /** Those that wait now. */
  waiting: Waiting[];
  /** The most that ever waited at the same time. */
  readonly most: number;
  /**
   * Resolves with the next handler that arrives, or one that has arrived and wasn't returned yet.
   */
  next(): Promise<Waiting>;
};

export async function openGate(): Promise<Gate> {
  const waiting: Waiting[] = [];
  const arrived: Waiting[] = [];
  const waiters: ((waiting: Waiting) => void)[] = [];
  let most = 0;
  const server = createServer(async (request, response) => {
    const leave = () => {
      if (waiting.includes(entry)) waiting.splice(waiting.indexOf(entry), 1);
    };
    const entry: Waiting = {
      report: (await json(request)) as Record<string, unknown>,
      letGo: () => {
        leave();
        response.end();
      },
    };
    response.on("close", leave);
    waiting.push(entry);
    most = Math.max(most, waiting.length);
    const waiter = waiters.shift();
    if (waiter === undefined) arrived.push(entry);
    else waiter(entry);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting,
    get most() {
      return most;
    },
    next: () => {
      const entry = arrived.shift();
      return entry === undefined ? new Promise((resolve) => waiters.push(resolve)) : Promise.resolve(entry);
    },
  };
}
