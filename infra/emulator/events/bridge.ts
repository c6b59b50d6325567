import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { answer } from "./api/protocol.ts";
import { arnsOf } from "./arns.ts";
import { Buses } from "./buses.ts";
import { Deliverer } from "./deliverer.ts";
import { Dispatcher } from "./dispatcher.ts";
import { type Listeners, subscribe } from "./listeners.ts";
import { Registry } from "./registry.ts";
import { Replays } from "./replaying.ts";
import type { BusEvent, EventBridgeOptions, LocalEventBridge } from "./types.ts";

type Waiter = { resolve(): void; reject(error: Error): void };

/**
 * Opens a local EventBridge in a directory, and continues its pending deliveries. Throws
 * `InvalidEventPatternException` for a managed rule that EventBridge would refuse, and `Error` for
 * one of a bus that doesn't exist.
 */
export async function openEventBridge(options: EventBridgeOptions): Promise<LocalEventBridge> {
  const arns = arnsOf(options.region, options.account);
  const registry = new Registry(options, Date.now());
  const listeners: Listeners = { event: new Set(), delivered: new Set(), deadLetter: new Set() };
  const waiters = new Set<Waiter>();
  let closed = false;

  const deliverer = new Deliverer(options, registry, arns, listeners, (bus, event, hops) =>
    buses.accept(bus, [event], hops),
  );
  const dispatcher = new Dispatcher((queued) => deliverer.attempt(queued), settle);
  const buses = new Buses(join(options.directory, "buses"), registry, listeners, (queued) => dispatcher.add(queued));
  const replays = new Replays(registry, buses, arns, settle);

  const isIdle = () => dispatcher.unfinished === 0 && replays.running === 0;

  function settle(): void {
    replays.wake();
    if (!isIdle()) return;
    for (const { resolve } of waiters) resolve();
    waiters.clear();
  }

  // Later, so that the caller can subscribe first.
  setImmediate(() => {
    if (!closed) dispatcher.start();
  });

  const api = { options, arns, registry, buses, replays };
  return {
    handle: (request: IncomingMessage, response: ServerResponse) => void answer(request, response, api),
    put: async (bus, events) => buses.accept(bus, events),
    idle: () =>
      new Promise((resolve, reject) => {
        if (closed) reject(new Error("The local EventBridge is closed"));
        else if (isIdle()) resolve();
        else waiters.add({ resolve, reject });
      }),
    onEvent: (listener) => subscribe(listeners.event, listener),
    onDelivered: (listener) => subscribe(listeners.delivered, listener),
    onDeadLetter: (listener) => subscribe(listeners.deadLetter, listener),
    log: (bus) => logOf(buses, bus),
    close: async () => {
      if (closed) return;
      closed = true;
      dispatcher.close();
      replays.close();
      registry.save();
      buses.close();
      for (const { reject } of waiters) reject(new Error("The local EventBridge was closed"));
      waiters.clear();
    },
  };
}

async function* logOf(buses: Buses, bus: string): AsyncGenerator<BusEvent> {
  const store = buses.store(bus);
  for (const { entry } of store.entries(0, store.end)) yield entry.event;
}
