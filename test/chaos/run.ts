import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { run, UsageError } from "../../infra/command-line/run.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { chaos, planOf, type Schedules } from "./chaos.ts";
import { MUTANTS, type Mutant, withMutant } from "./mutants.ts";
import { scheduleFor } from "./plan.ts";

const HELP = `npm run chaos -- [--runs 100] [--seed 1] [--kills] [--only RUN] [--mutants]

Splits small videos on a local stack that breaks things on purpose, each by a schedule of its own that follows from the seed, and compares
what each run came to with the same split without faults. Exit code: 0 when all are the same.

  --runs N     so many schedules: 0 to N-1 of this seed
  --seed N     other schedules
  --kills      no seed, but one kill in each run: a function is killed before, or after, one of all the requests that it and the
               others make for a video, one request after the other: all requests of all four videos, unless --runs says less
  --only RUN   just this one, as a failing run is had again
  --mutants    takes out one guard of the service after the other instead, and tells which of them the runs notice
  --mutant M   just this one
`;

const OPTIONS = {
  runs: { type: "string" },
  seed: { type: "string", default: "1" },
  kills: { type: "boolean", default: false },
  only: { type: "string" },
  mutants: { type: "boolean", default: false },
  mutant: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Two kills, four videos, and the 55 requests of the one that has most, and some. */
const KILLS = 480;
const allKills = [...Array(KILLS).keys()];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const onProgress = (done: number) => void process.stderr.write(`${done} runs\n`);

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new UsageError(`--${option} is "${text}"; it must be a whole number from 0`);
  return value;
}

type Attack = { schedules: Schedules; runs: readonly number[] };

/** What has one run again. */
const again = (schedules: Schedules, run: number): string =>
  `npm run chaos -- ${schedules === "kills" ? "--kills" : `--seed ${schedules.seed}`} --only ${run}`;

/** Exit code. */
async function attack({ schedules, runs }: Attack, isOne: boolean): Promise<number> {
  if (isOne) say(`Faults of this schedule: ${[...scheduleFor(planOf(schedules), runs[0]!).kinds].join(", ")}`);
  const outcome = await chaos({ runs, schedules, root: PROJECT_ROOT, onProgress });
  for (const [fault, count] of Object.entries(outcome.faults))
    if (count > 0) say(`${String(count).padStart(6)}  ${fault}`);
  const { wrong, deadLetters, conflicts, repeated, seconds } = outcome;
  for (const { run: number, how } of wrong) say(`Run ${number} is wrong (${again(schedules, number)}):\n  ${how}`);
  say(
    `${outcome.runs} runs, ${wrong.length} wrong; ${deadLetters} dead letters, cleared by redrive; ` +
      `${conflicts} conditional writes refused; ${repeated} facts announced again under their ids; ${seconds.toFixed(0)} s`,
  );
  return wrong.length === 0 ? 0 : 1;
}

/** Exit code: 0 when every mutant is caught. */
async function mutate(mutants: readonly Mutant[], { schedules, runs }: Attack): Promise<number> {
  let missed = 0;
  for (const mutant of mutants) {
    const broken = mutant.isSeenByKills ? { schedules: "kills" as const, runs: allKills } : { schedules, runs };
    const { wrong } = await withMutant(mutant, (root) => chaos({ ...broken, root, onProgress }));
    const [first] = wrong;
    if (first === undefined) missed += 1;
    const found =
      first === undefined
        ? "NOT CAUGHT"
        : `caught by ${wrong.length} of ${broken.runs.length} runs, as ${first.run}${mutant.isSeenByKills ? " of --kills" : ""}`;
    say(`${mutant.name}: ${found}\n    taken out: ${mutant.without}`);
  }
  return missed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const { values } = parseCommandLine("npm run chaos", { options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seed = wholeNumber("seed", values.seed);
  const { only, mutant } = values;
  const count = wholeNumber("runs", values.runs ?? String(values.kills ? KILLS : 100));
  const runs = only === undefined ? [...Array(count).keys()] : [wholeNumber("only", only)];
  const mutants = MUTANTS.filter(({ name }) => values.mutants || name === mutant);
  if (mutant !== undefined && mutants.length === 0)
    throw new UsageError(`--mutant is "${mutant}"; there are ${MUTANTS.map(({ name }) => name).join(", ")}`);
  const schedules: Schedules = values.kills ? "kills" : { seed };
  return mutants.length > 0 ? mutate(mutants, { schedules, runs }) : attack({ schedules, runs }, only !== undefined);
}

await run(main);
