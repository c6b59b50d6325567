import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { UsageError } from "../../infra/command-line/run.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { withMutant } from "../mutants/mutant.ts";
import { chaos, type Prepared, prepare } from "./chaos.ts";
import { type ChaosMutant, MUTANTS } from "./mutants.ts";
import { type Plan, runsOf, type SeriesName, scheduleFor, seriesNames } from "./plan.ts";

const HELP = `npx video-split chaos [--runs 100] [--seed 1] [--kills | --sources | --writes] [--ranges] [--only RUN] [--mutants]

Splits small videos on a local stack that injects faults, each by its own schedule, which follows from the seed, and
compares each with the same split without faults. Exit code: 0 when nothing is wrong.

  --runs N     number of schedules: 0 to N-1 of this seed, or of a series
  --seed N     other schedules
  --kills      no seed, but one kill in each run: a function is killed before, or after, each of the requests that are made
               for a video
  --sources    one fault in each run, at each GET of the source in sequence: it fails in mid-read, is overwritten, deleted
               or stalls, or the ffmpeg that reads it is killed
  --writes     one write of the projector in each run is overtaken by the run's other events
  --ranges     with too little time for one invocation: several cut ranges of each video
  --only RUN   only this run, to repeat a failing one
  --mutants    removes the guards of the service one by one instead, and prints which of them the runs notice; with
               --ranges those of ranges
  --mutant M   only this mutant

Examples:
  npx video-split chaos --runs 1000
  npx video-split chaos --sources --only 37
`;

const OPTIONS = {
  runs: { type: "string" },
  seed: { type: "string", default: "1" },
  kills: { type: "boolean", default: false },
  sources: { type: "boolean", default: false },
  writes: { type: "boolean", default: false },
  ranges: { type: "boolean", default: false },
  only: { type: "string" },
  mutants: { type: "boolean", default: false },
  mutant: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const onProgress = (done: number) => void process.stderr.write(`${done} runs\n`);

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`--${option} is "${text}"; it must be a whole number from 0`);
  return value;
}

type Attack = { plan: Plan; runs: readonly number[] };

const seriesOf = (series: SeriesName): Attack => ({ plan: { kind: "series", series }, runs: runsOf(series) });

const attackOn = ({ series, fault, video, positions }: NonNullable<ChaosMutant["seenBy"]>): Attack => ({
  plan: { kind: "series", series },
  runs: runsOf(series, {
    ...(fault !== undefined && { fault }),
    ...(video !== undefined && { video }),
    ...(positions !== undefined && { positions: [...Array(positions).keys()] }),
  }),
});

/** The options that choose one run. */
function optionsFor(plan: Plan, { isRanged }: Prepared, run: number): string {
  const chosen = plan.kind === "series" ? `--${plan.series}` : plan.kind === "seeded" ? `--seed ${plan.seed}` : "";
  return `${chosen}${isRanged ? " --ranges" : ""} --only ${run}`;
}

/** Returns the exit code. */
async function attack({ plan, runs }: Attack, prepared: Prepared, isOne: boolean): Promise<number> {
  if (isOne) say(`Faults of this schedule: ${[...scheduleFor(plan, runs[0]!).kinds].join(", ")}`);
  const outcome = await chaos({ runs, plan, root: PROJECT_ROOT, prepared, onProgress });
  for (const [fault, count] of Object.entries(outcome.faults))
    if (count > 0) say(`${String(count).padStart(6)}  ${fault}`);
  const { wrong, deadLetters, conflicts, repeated, ranged, seconds } = outcome;
  for (const { run: number, how } of wrong)
    say(`Run ${number} is wrong (npx video-split chaos ${optionsFor(plan, prepared, number)}):\n  ${how}`);
  say(
    `${outcome.runs} runs, ${wrong.length} wrong; ${ranged} videos cut in ranges; ${deadLetters} dead letters, all redriven; ` +
      `${conflicts} conditional writes refused; ${repeated} events announced again under their ids; ${seconds.toFixed(0)} s`,
  );
  return wrong.length === 0 ? 0 : 1;
}

/** Returns the exit code: 0 when every mutant is caught. */
async function mutate(mutants: readonly ChaosMutant[], seeded: Attack, prepared: Prepared): Promise<number> {
  let missed = 0;
  for (const mutant of mutants) {
    const { plan, runs } = mutant.seenBy === undefined ? seeded : attackOn(mutant.seenBy);
    const { wrong } = await withMutant(mutant, (root) => chaos({ plan, runs, root, prepared, onProgress }));
    const [first] = wrong;
    if (first === undefined) missed += 1;
    const found =
      first === undefined
        ? "NOT CAUGHT"
        : `caught by ${wrong.length} of ${runs.length} runs, as ${optionsFor(plan, prepared, first.run)}`;
    say(`${mutant.name}: ${found}\n    removed: ${mutant.without}`);
  }
  return missed === 0 ? 0 : 1;
}

/** Runs `npx video-split chaos`. Returns the exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("chaos", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const { only, mutant } = values;
  const [series, ...more] = seriesNames.filter((name) => values[name]);
  if (more.length > 0) throw new UsageError(`Specify one of ${seriesNames.map((name) => `--${name}`).join(", ")}`);
  const seeded: Plan = { kind: "seeded", seed: wholeNumber("seed", values.seed) };
  const all: Attack =
    series === undefined
      ? { plan: seeded, runs: [...Array(wholeNumber("runs", values.runs ?? "100")).keys()] }
      : seriesOf(series);
  const limit = values.runs === undefined ? all.runs.length : wholeNumber("runs", values.runs);
  const runs = only === undefined ? all.runs.slice(0, limit) : [wholeNumber("only", only)];
  const mutants = MUTANTS.filter(
    ({ name, isOfRanges = false }) => name === mutant || (values.mutants && isOfRanges === values.ranges),
  );
  if (mutant !== undefined && mutants.length === 0)
    throw new UsageError(`--mutant is "${mutant}"; there are ${MUTANTS.map(({ name }) => name).join(", ")}`);
  const folder = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
  try {
    const prepared = await prepare(folder, PROJECT_ROOT, undefined, values.ranges);
    if (mutants.length > 0) return await mutate(mutants, { ...all, runs }, prepared);
    return await attack({ ...all, runs }, prepared, only !== undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
