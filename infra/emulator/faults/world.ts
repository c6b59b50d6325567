import { traceOf } from "../lambda/index.ts";
import type { Fault, RequestFault } from "./kinds.ts";
import type { Schedule } from "./schedule.ts";

/** The bytes that overwrite an object. */
export type Replacement = { body: Buffer; metadata: Readonly<Record<string, string>> };

export type WorldOptions = {
  scheduleFor(run: number): Schedule;
  /**
   * The run that an event is about, whose schedule holds for its deliveries and its invocations'
   * requests; undefined for none.
   */
  runIn(event: unknown): number | undefined;
  /** Called for each fault that happens. */
  report(run: number, fault: Fault): void;
  /** Called for a function's process that was stopped: it can't notice that its stack has ended. */
  onFrozen(pid: number): void;
  /**
   * False for faults that this stack doesn't have, or no longer: a stack that is killed again and
   * again never finishes.
   */
  mayHappen(run: number, fault: RequestFault): boolean;
  killStack(): void;
  /** Bytes that overwrite the object of a run. Called only where `mayHappen` allows it. */
  replacement(run: number): Promise<Replacement>;
};

/** A function that was invoked for an event of a run. */
export type Invocation = { run: number; functionName: string };

/** One attempt of an invocation. */
export type Attempt = Invocation & {
  /** The same for all attempts of an invocation. */
  invocation: string;
  id: string;
};

/**
 * State of the faults: the run of each delivery and request, and the number of earlier ones of its
 * kind.
 */
export class World {
  /** Whether faults are injected. */
  enabled = true;
  readonly options: WorldOptions;
  /** By the attempt's id: the first byte of the object that S3 doesn't return to it. */
  readonly unreadableFrom = new Map<string, number>();
  readonly #invocations = new Map<string, Invocation>();
  readonly #counts = new Map<string, number>();
  readonly #schedules = new Map<number, Schedule>();
  readonly #ends = new Map<number, PromiseWithResolvers<void>>();

  constructor(options: WorldOptions) {
    this.options = options;
  }

  /** Records that a function is invoked for an event. Returns the event's run. */
  invoked(requestId: string, functionName: string, event: unknown): number | undefined {
    const run = this.options.runIn(event);
    if (run !== undefined) this.#invocations.set(traceOf(requestId), { run, functionName });
    return run;
  }

  /**
   * Who sends a request with this trace header, which AWS's clients take from the function's
   * environment.
   */
  attemptOf(traceHeader: string): Attempt | undefined {
    const [, trace = "", id = ""] = /Root=1-[0-9a-f]+-([0-9a-f]{24});Parent=([0-9a-f]{16})/.exec(traceHeader) ?? [];
    const found = this.#invocations.get(trace);
    return found && { ...found, invocation: trace, id };
  }

  schedule(run: number): Schedule {
    const known = this.#schedules.get(run) ?? this.options.scheduleFor(run);
    this.#schedules.set(run, known);
    return known;
  }

  /** How often this was counted before. */
  count(what: string): number {
    const nth = this.#counts.get(what) ?? 0;
    this.#counts.set(what, nth + 1);
    return nth;
  }

  #endOf(run: number): PromiseWithResolvers<void> {
    const known = this.#ends.get(run) ?? Promise.withResolvers<void>();
    this.#ends.set(run, known);
    return known;
  }

  /** Records that a consumer has handled the last event of a run. */
  ended = (run: number): void => this.#endOf(run).resolve();

  /** Resolves when a consumer has handled the last event of a run. */
  whenEnded = (run: number): Promise<void> => this.#endOf(run).promise;
}
