import { type Fault, faultsOf, type Schedule, scheduleOf, scheduleWith, World } from "../emulator/faults/index.ts";

/**
 * Faults that would end the stack, block a function for 15 minutes, or change the user's uploads.
 */
const EXCLUDED: readonly Fault[] = [
  "stack killed",
  "function frozen until its timeout",
  "S3 object overwritten",
  "S3 object deleted",
];

/** Kinds of fault that are switched on and off together, by their name. */
export const FAULT_SWITCHES = {
  duplicates: {
    does: "Events are delivered twice, late and out of order.",
    kinds: ["delivery late", "delivery duplicated", "delivery again later"],
  },
  kills: {
    does: "Functions and their ffmpeg are killed in the middle of their work.",
    kinds: [
      "function killed before a request",
      "function killed after a request",
      "function killed after its answer",
      "ffmpeg killed",
    ],
  },
  throttles: {
    does: "S3 is busy, DynamoDB and EventBridge throttle, and the bus refuses some entries.",
    kinds: ["S3 is busy", "DynamoDB throttles", "bus throttles", "bus refuses entries"],
  },
  "broken reads": {
    does: "S3 ends the body of an object early, or sends it slowly.",
    kinds: ["S3 body cut midway", "S3 fails in mid-read", "S3 body is slow"],
  },
  "lost answers": {
    does: "A request was served, and its answer never arrives.",
    kinds: ["S3 answer lost", "DynamoDB answer lost", "bus answer lost"],
  },
} as const satisfies Record<string, { does: string; kinds: readonly Fault[] }>;

export type FaultSwitch = keyof typeof FAULT_SWITCHES;

export const faultSwitches = Object.keys(FAULT_SWITCHES) as FaultSwitch[];

/** Faults of the local stack that can be switched on while it runs. */
export type FaultSwitches = ReturnType<typeof faultsOf> & {
  /** What is on. */
  on(): FaultSwitch[];
  /** What happens to deliveries and invocations that begin from now on. */
  switchTo(names: readonly FaultSwitch[]): void;
  /** Kinds of fault that happen from the start, by `seed`. */
  seeded: readonly Fault[];
};

/** The stack is one run until what is switched on changes. */
const FIRST_RUN = 0;

/** Where no seed is requested. */
const DEFAULT_SEED = 1;

/** `report` is called for each fault that happens. */
export function openFaultSwitches(report: (fault: Fault) => void, seed?: number): FaultSwitches {
  const seeded =
    seed === undefined ? [] : [...scheduleOf(seed, FIRST_RUN).kinds].filter((kind) => !EXCLUDED.includes(kind));
  let run = FIRST_RUN;
  let names: FaultSwitch[] = [];
  const kinds = (): Set<Fault> => new Set([...seeded, ...names.flatMap((name) => FAULT_SWITCHES[name].kinds)]);
  const schedules = new Map<number, Schedule>();
  const plan = (): void => void schedules.set(run, scheduleWith(kinds(), seed ?? DEFAULT_SEED, run));
  plan();
  const world = new World({
    scheduleFor: (of) => schedules.get(of)!,
    runIn: () => (kinds().size === 0 ? undefined : run),
    mayHappen: (_run, fault) => !EXCLUDED.includes(fault),
    report: (_run, fault) => report(fault),
    onFrozen: () => {},
    killStack: () => {},
    replacement: () => Promise.reject(new Error("Uploads aren't overwritten here")),
  });
  return {
    ...faultsOf(world),
    seeded,
    on: () => [...names],
    switchTo: (wanted) => {
      names = faultSwitches.filter((name) => wanted.includes(name));
      run += 1;
      plan();
    },
  };
}
