import { traceOf } from "../lambda/index.ts";
import type { Fault, RequestFault, Schedule } from "./schedule.ts";

export type WorldOptions = {
  scheduleFor(run: number): Schedule;
  /** The run that an event is about, by whose schedule its deliveries and the requests of its invocations break; undefined for none. */
  runIn(event: unknown): number | undefined;
  /** Tells of each fault that happened. */
  report(run: number, fault: Fault): void;
  /** Tells of a function's process that was stopped: by itself it won't see that its stack is gone. */
  onFrozen(pid: number): void;
  /** False for what this stack shan't meet, or no more: one that is killed again and again would never come to an end. */
  mayHappen(run: number, fault: RequestFault): boolean;
  killStack(): void;
};

/** What the faults know: which run a delivery and a request belong to, and how many of its kind came before. */
export class World {
  /** Whether anything is broken at all. */
  enabled = true;
  readonly options: WorldOptions;
  readonly #runs = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #schedules = new Map<number, Schedule>();

  constructor(options: WorldOptions) {
    this.options = options;
  }

  /** Says that an invocation is for this event. Returns its run. */
  invoked(requestId: string, event: unknown): number | undefined {
    const run = this.options.runIn(event);
    if (run !== undefined) this.#runs.set(traceOf(requestId), run);
    return run;
  }

  /** The run of a request with this trace header, which AWS's clients take from the function's environment. */
  runOf(traceHeader: string): number | undefined {
    const [, trace = ""] = /Root=1-[0-9a-f]+-([0-9a-f]{24})/.exec(traceHeader) ?? [];
    return this.#runs.get(trace);
  }

  schedule(run: number): Schedule {
    const known = this.#schedules.get(run) ?? this.options.scheduleFor(run);
    this.#schedules.set(run, known);
    return known;
  }

  /** How many of these came before in this run. */
  count(run: number, what: string): number {
    const key = `${run} ${what}`;
    const nth = this.#counts.get(key) ?? 0;
    this.#counts.set(key, nth + 1);
    return nth;
  }
}
