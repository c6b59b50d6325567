import { traceOf } from "../../infra/local/lambda/index.ts";
import { type Fault, type Schedule, scheduleOf } from "./schedule.ts";

/** Uploads are named after their run, and so is all that comes of them. */
export const uploadKey = (run: number): string => `uploads/run-${run}.mp4`;

const RUN = /\brun-(\d+)\b/;

/** The run that an event is about; undefined for none. */
const runIn = (event: unknown): number | undefined => {
  const [, run] = RUN.exec(JSON.stringify(event)) ?? [];
  return run === undefined ? undefined : Number(run);
};

export type WorldOptions = {
  seed: number;
  /** Runs in which the stack was killed already: once is enough, and it would never come to an end. */
  killed: readonly number[];
  /** Tells of each fault that happened. */
  report(run: number, fault: Fault): void;
};

/** What the faults know: which run a delivery and a request belong to, and how many of its kind came before. */
export class World {
  /** Whether anything is broken at all. */
  enabled = true;
  readonly report: WorldOptions["report"];
  readonly #seed: number;
  readonly #killed: Set<number>;
  readonly #runs = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #schedules = new Map<number, Schedule>();

  constructor({ seed, killed, report }: WorldOptions) {
    this.#seed = seed;
    this.#killed = new Set(killed);
    this.report = report;
  }

  /** Says that an invocation is for this event. Returns its run. */
  invoked(requestId: string, event: unknown): number | undefined {
    const run = runIn(event);
    if (run !== undefined) this.#runs.set(traceOf(requestId), run);
    return run;
  }

  /** The run of a request with this trace header, which AWS's clients take from the function's environment. */
  runOf(traceHeader: string): number | undefined {
    const [, trace = ""] = /Root=1-[0-9a-f]+-([0-9a-f]{24})/.exec(traceHeader) ?? [];
    return this.#runs.get(trace);
  }

  schedule(run: number): Schedule {
    const known = this.#schedules.get(run) ?? scheduleOf(this.#seed, run);
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

  /** Whether the stack is still to be killed in this run. */
  mayKill(run: number): boolean {
    return !this.#killed.has(run);
  }
}
