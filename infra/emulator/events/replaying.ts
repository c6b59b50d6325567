import { setImmediate as breathe } from "node:timers/promises";
import { archived } from "./archives.ts";
import type { Arns } from "./arns.ts";
import type { Buses, Replaying } from "./buses.ts";
import type { Registry, ReplayRecord } from "./registry.ts";

/**
 * A replay continues only with fewer pending deliveries, so that it doesn't fill the memory or the
 * journal.
 */
const MAX_PENDING = 1_000;

/** Entries of the log after which the event loop runs other work. */
const MAX_ENTRIES_BEFORE_YIELD = 100;

const secondsOf = (time: string): number => Date.parse(time) / 1_000;

const isEnding = ({ state }: ReplayRecord): boolean => state === "CANCELLING" || state === "CANCELLED";

/** Runs replays, and continues those that a restart interrupted. */
export class Replays {
  readonly #registry: Registry;
  readonly #buses: Buses;
  readonly #arns: Arns;
  readonly #onOver: () => void;
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #closed = false;

  /** `onOver` is called after each replay. */
  constructor(registry: Registry, buses: Buses, arns: Arns, onOver: () => void) {
    this.#registry = registry;
    this.#buses = buses;
    this.#arns = arns;
    this.#onOver = onOver;
    for (const replay of registry.replays.values()) {
      if (replay.state === "STARTING" || replay.state === "RUNNING" || replay.state === "CANCELLING")
        this.start(replay);
    }
  }

  get running(): number {
    return this.#running;
  }

  /** Starts or continues a replay that is in the registry. */
  start(replay: ReplayRecord): void {
    this.#running++;
    void this.#run(replay);
  }

  async #run(replay: ReplayRecord): Promise<void> {
    // The response of StartReplay has the state STARTING.
    await breathe();
    try {
      if (!this.#closed && !isEnding(replay)) await this.#events(replay);
      if (!this.#closed) this.#end(replay, isEnding(replay) ? "CANCELLED" : "COMPLETED");
    } catch (error) {
      if (!this.#closed) this.#end(replay, "FAILED", error instanceof Error ? error.message : String(error));
    }
    this.#running--;
    if (!this.#closed) this.#onOver();
  }

  async #events(replay: ReplayRecord): Promise<void> {
    const { bus } = replay.archive;
    const holds = archived(replay.archive, replay.startedAt);
    const one: Replaying = { name: replay.name, rules: this.#rulesOf(replay) };
    const store = this.#buses.store(bus);
    let entries = 0;
    replay.state = "RUNNING";
    for (const placed of store.entries(store.replayedUntil(replay.name) ?? replay.from, replay.until)) {
      await this.#room(replay);
      if (this.#closed || isEnding(replay)) return;
      const time = secondsOf(placed.entry.event.time);
      if (time >= replay.start && time < replay.end && holds(placed)) {
        this.#buses.replay(bus, placed, one);
        replay.lastEventTime = time;
      }
      if (++entries % MAX_ENTRIES_BEFORE_YIELD === 0) await breathe();
    }
  }

  #rulesOf({ filterArns }: ReplayRecord): ReadonlySet<string> | undefined {
    if (filterArns.length === 0) return undefined;
    return new Set(filterArns.flatMap((arn) => this.#arns.ruleIn(arn)?.name ?? []));
  }

  async #room(replay: ReplayRecord): Promise<void> {
    while (!this.#closed && !isEnding(replay) && this.#buses.store(replay.archive.bus).pending.size >= MAX_PENDING) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /**
   * Continues replays that wait for deliveries. Call it after each delivery, and after a replay was
   * cancelled.
   */
  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #end(replay: ReplayRecord, state: ReplayRecord["state"], reason?: string): void {
    replay.state = state;
    replay.endedAt = Date.now();
    if (reason !== undefined) replay.stateReason = reason;
    this.#registry.save();
  }

  close(): void {
    this.#closed = true;
    this.wake();
  }
}
