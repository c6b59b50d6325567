import type { EventStore, Pending } from "./event-store.ts";

/** One pending delivery and its bus. */
export type Queued = { bus: string; store: EventStore; pending: Pending };

/** The outcome of an attempt: `again` waits that many milliseconds. */
export type Outcome = "over" | { again: number };

type Lane = { running: number; ready: Queued[] };

/** Deliveries that run concurrently for one target; the others wait. */
const MAX_IN_FLIGHT = 200;

/**
 * Runs deliveries: those of one target in order of arrival, many concurrently, each repeatedly
 * until `attempt` says that it is over. A slow or failing target doesn't delay others.
 */
export class Dispatcher {
  readonly #attempt: (queued: Queued) => Promise<Outcome>;
  readonly #onOver: () => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #unfinished = 0;
  #running = false;

  /**
   * Nothing is attempted before `start`. `attempt` must not reject; `onOver` is called after each
   * delivery that is over.
   */
  constructor(attempt: (queued: Queued) => Promise<Outcome>, onOver: () => void) {
    this.#attempt = attempt;
    this.#onOver = onOver;
  }

  /** Deliveries that aren't over, waiting ones included. */
  get unfinished(): number {
    return this.#unfinished;
  }

  start(): void {
    this.#running = true;
    for (const lane of this.#lanes.values()) this.#fill(lane);
  }

  add(queued: Queued): void {
    this.#unfinished++;
    this.#enqueue(queued);
  }

  #enqueue(queued: Queued): void {
    const { rule, targetId } = queued.pending;
    const key = JSON.stringify([queued.bus, rule, targetId]);
    const lane = this.#lanes.get(key) ?? { running: 0, ready: [] };
    this.#lanes.set(key, lane);
    lane.ready.push(queued);
    this.#fill(lane);
  }

  #fill(lane: Lane): void {
    while (this.#running && lane.running < MAX_IN_FLIGHT) {
      const queued = lane.ready.shift();
      if (queued === undefined) return;
      lane.running++;
      void this.#run(lane, queued);
    }
  }

  async #run(lane: Lane, queued: Queued): Promise<void> {
    const outcome = await this.#attempt(queued);
    lane.running--;
    if (!this.#running) return;
    if (outcome === "over") {
      this.#unfinished--;
      this.#onOver();
    } else this.#wait(queued, outcome.again);
    this.#fill(lane);
  }

  #wait(queued: Queued, milliseconds: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#enqueue(queued);
    }, milliseconds);
    this.#timers.add(timer);
  }

  /** Starts no more deliveries. Running ones continue, and their outcomes are ignored. */
  close(): void {
    this.#running = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
