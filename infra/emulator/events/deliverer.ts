import type { Arns } from "./arns.ts";
import type { Outcome, Queued } from "./dispatcher.ts";
import type { LogEntry } from "./event-store.ts";
import type { Listeners } from "./listeners.ts";
import type { Registry } from "./registry.ts";
import { TargetNotFoundError } from "./target.ts";
import { targetInput } from "./target-input.ts";
import type { BusEvent, DeadLetter, EventBridgeOptions, TargetSpec } from "./types.ts";

/** Puts an event on another bus; throws if it doesn't exist. */
type Forward = (bus: string, event: BusEvent, hops: number) => void;

/** Maximum number of buses that an event is forwarded through. It ends a cycle of buses. */
const MAX_HOPS = 5;

const MAX_DELAY_MS = 600_000;

/**
 * With jitter, as EventBridge's documentation says:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
 */
const exponentialDelayMs = (attempt: number): number =>
  Math.min(MAX_DELAY_MS, 1_000 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);

/**
 * Why no further attempt is made; codes as in
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
type GivenUp = { errorCode: string; errorMessage: string };

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The event as its target receives it. */
const eventFor = ({ pending }: Queued, { event }: LogEntry): BusEvent =>
  pending.replay === undefined ? event : { ...event, "replay-name": pending.replay };

/** Attempts deliveries: to a bus, to the stack's targets, and finally to the dead-letter queue. */
export class Deliverer {
  readonly #options: EventBridgeOptions;
  readonly #registry: Registry;
  readonly #arns: Arns;
  readonly #listeners: Listeners;
  readonly #forward: Forward;
  readonly #delayMs: (attempt: number) => number;
  /** Deliveries whose dead letter couldn't be sent yet. */
  readonly #unsent = new WeakMap<Queued, GivenUp>();

  constructor(options: EventBridgeOptions, registry: Registry, arns: Arns, listeners: Listeners, forward: Forward) {
    this.#options = options;
    this.#registry = registry;
    this.#arns = arns;
    this.#listeners = listeners;
    this.#forward = forward;
    this.#delayMs = options.retryDelayMs ?? exponentialDelayMs;
  }

  /**
   * One attempt at a delivery. If its bus is closed meanwhile, nothing is recorded, so that it's
   * attempted again when the bus is opened. Rejects only where the disk is full.
   */
  async attempt(queued: Queued): Promise<Outcome> {
    const { bus, store, pending } = queued;
    if (store.closed) return "over";
    const entry = store.entryOf(pending);
    const event = eventFor(queued, entry);
    const target = this.#registry.target(bus, pending.rule, pending.targetId);
    if (target === undefined) {
      const errorMessage = `Rule ${pending.rule} or its target ${pending.targetId} was deleted`;
      return this.#giveUp(queued, undefined, event, { errorCode: "NO_RESOURCE", errorMessage });
    }
    const unsent = this.#unsent.get(queued);
    if (unsent !== undefined) return this.#giveUp(queued, target, event, unsent);
    const otherBus = this.#arns.nameIn("event-bus", target.arn);
    if (otherBus !== undefined && entry.hops >= MAX_HOPS) {
      const errorMessage = `The event was forwarded through ${MAX_HOPS} buses already`;
      return this.#giveUp(queued, target, event, { errorCode: "THIRD_ACCOUNT_HOP_DETECTED", errorMessage });
    }
    try {
      if (otherBus === undefined) await this.#handOver(queued, target, entry, event);
      else this.#forward(otherBus, event, entry.hops + 1);
    } catch (error) {
      return this.#failed(queued, target, event, error);
    }
    if (!store.closed) {
      store.done(pending);
      const delivery = { id: pending.id, bus, rule: pending.rule, attempt: pending.attempts + 1 };
      for (const listener of this.#listeners.delivered) listener(target, delivery);
    }
    return "over";
  }

  async #handOver({ bus, pending }: Queued, target: TargetSpec, entry: LogEntry, event: BusEvent): Promise<void> {
    const { id, rule, attempts } = pending;
    const context = { ruleArn: this.#arns.rule(bus, rule), ruleName: rule, ingestedAt: entry.at };
    await this.#options.deliver(target, targetInput(target, event, context), { id, bus, rule, attempt: attempts + 1 });
  }

  #failed(queued: Queued, target: TargetSpec, event: BusEvent, error: unknown): Outcome | Promise<Outcome> {
    const { store, pending } = queued;
    if (store.closed) return "over";
    store.failed(pending);
    if (error instanceof TargetNotFoundError)
      return this.#giveUp(queued, target, event, { errorCode: "NO_RESOURCE", errorMessage: error.message });
    const { attempts, maxAgeSeconds } = target.retry;
    const age = Date.now() - pending.since;
    if (pending.attempts <= attempts && age < maxAgeSeconds * 1_000) return { again: this.#delayMs(pending.attempts) };
    return this.#giveUp(queued, target, event, { errorCode: "SDK_CLIENT_ERROR", errorMessage: messageOf(error) });
  }

  async #giveUp(queued: Queued, target: TargetSpec | undefined, event: BusEvent, why: GivenUp): Promise<Outcome> {
    const { store, pending } = queued;
    let arn = target?.deadLetterArn;
    const { rule, attempts } = pending;
    const deadLetter: DeadLetter = { rule, targetArn: target?.arn ?? "", ...why, attempts, event };
    if (arn !== undefined) {
      try {
        await this.#options.sendDeadLetter(arn, deadLetter);
      } catch (error) {
        // If a dead-letter queue refuses an event, EventBridge drops it. Here a full disk must not
        // lose one; a queue that was deleted won't come back.
        if (!(error instanceof TargetNotFoundError)) {
          this.#unsent.set(queued, why);
          return { again: this.#delayMs(attempts) };
        }
        arn = undefined;
      }
    }
    if (!store.closed) {
      store.done(pending);
      for (const listener of this.#listeners.deadLetter) listener(arn, deadLetter);
    }
    return "over";
  }
}
