import { createHash, randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Queued } from "./dispatcher.ts";
import { EventStore, type LogEntry, type Pending, type PlacedEntry } from "./event-store.ts";
import type { Listeners } from "./listeners.ts";
import type { Registry } from "./registry.ts";
import type { BusEvent } from "./types.ts";

/**
 * Not only the name: ".", and both "A" and "a", are names of buses, but not of folders on every
 * system.
 */
const folderOf = (bus: string): string =>
  `${encodeURIComponent(bus).slice(0, 100)}-${createHash("sha256").update(bus).digest("hex").slice(0, 12)}`;

/** The replay of an event, and its rules; undefined means all. */
export type Replaying = { name: string; rules: ReadonlySet<string> | undefined };

/** The buses' logs, and the deliveries of their events. */
export class Buses {
  readonly #directory: string;
  readonly #registry: Registry;
  readonly #listeners: Listeners;
  readonly #deliver: (queued: Queued) => void;
  readonly #stores = new Map<string, EventStore>();

  constructor(directory: string, registry: Registry, listeners: Listeners, deliver: (queued: Queued) => void) {
    this.#directory = directory;
    this.#registry = registry;
    this.#listeners = listeners;
    this.#deliver = deliver;
    for (const bus of registry.buses.keys()) this.open(bus);
  }

  /** Opens the log of a bus that is in the registry, and continues its pending deliveries. */
  open(bus: string): void {
    const store = new EventStore(join(this.#directory, folderOf(bus)));
    this.#stores.set(bus, store);
    for (const pending of store.pending.values()) this.#deliver({ bus, store, pending });
  }

  has(bus: string): boolean {
    return this.#stores.has(bus);
  }

  /** Throws for an unknown bus. */
  store(bus: string): EventStore {
    const store = this.#stores.get(bus);
    if (store === undefined) throw new Error(`There is no event bus ${bus}`);
    return store;
  }

  /**
   * Events with their deliveries are durable when it returns. Throws for an unknown bus, or where
   * the disk is full.
   */
  accept(bus: string, events: readonly BusEvent[], hops = 0): void {
    const store = this.store(bus);
    const at = Date.now();
    const entries: LogEntry[] = events.map((event) => ({
      at,
      event,
      hops,
      deliveries: this.#registry
        .matching(bus, event)
        .flatMap(({ name, targets }) =>
          targets.map(({ target }) => ({ id: randomUUID(), rule: name, targetId: target.Id })),
        ),
    }));
    const added = store.append(entries);
    for (const event of events) this.#announce(bus, event);
    for (const pending of added) this.#deliver({ bus, store, pending });
  }

  /** Delivers an event of the log once more, and records the progress of the replay. */
  replay(bus: string, { entry, offset, length }: PlacedEntry, { name, rules }: Replaying): void {
    const store = this.store(bus);
    const event: BusEvent = { ...entry.event, "replay-name": name };
    const since = Date.now();
    const deliveries: Pending[] = this.#registry
      .matching(bus, event)
      .filter((rule) => rules === undefined || rules.has(rule.name))
      .flatMap((rule) => rule.targets.map(({ target }) => ({ rule: rule.name, targetId: target.Id })))
      .map((to) => ({ id: randomUUID(), ...to, offset, length, since, attempts: 0, replay: name }));
    store.replay(name, { offset, length }, deliveries);
    this.#announce(bus, event);
    for (const pending of deliveries) this.#deliver({ bus, store, pending });
  }

  #announce(bus: string, event: BusEvent): void {
    for (const listener of this.#listeners.event) listener(bus, event);
  }

  /** Deletes a bus's log. */
  delete(bus: string): void {
    this.store(bus).close();
    this.#stores.delete(bus);
    rmSync(join(this.#directory, folderOf(bus)), { recursive: true });
  }

  close(): void {
    for (const store of this.#stores.values()) store.close();
  }
}
