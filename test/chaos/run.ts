import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { run, UsageError } from "../../infra/command-line/run.ts";
import { scheduleOf } from "../../infra/local/faults/index.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { chaos } from "./chaos.ts";
import { MUTANTS, type Mutant, withMutant } from "./mutants.ts";

const HELP = `npm run chaos -- [--runs 100] [--seed 1] [--only RUN] [--mutants]

Splits small videos on a local stack that breaks things on purpose, each by a schedule of its own that follows from the seed, and compares
what each run came to with the same split without faults. Exit code: 0 when all are the same.

  --runs N     so many schedules: 0 to N-1 of this seed
  --seed N     other schedules
  --only RUN   just this one, as a failing run is had again
  --mutants    takes out one guard of the service after the other instead, and tells which of them the runs notice
  --mutant M   just this one
`;

const OPTIONS = {
  runs: { type: "string", default: "100" },
  seed: { type: "string", default: "1" },
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

type Schedules = { seed: number; runs: readonly number[] };

/** Exit code. */
async function attack({ seed, runs }: Schedules, isOne: boolean): Promise<number> {
  if (isOne) say(`Faults of this schedule: ${[...scheduleOf(seed, runs[0]!).kinds].join(", ")}`);
  const outcome = await chaos({ runs, seed, root: PROJECT_ROOT, onProgress });
  for (const [fault, count] of Object.entries(outcome.faults)) say(`${String(count).padStart(6)}  ${fault}`);
  const { wrong, deadLetters, conflicts, repeated, seconds } = outcome;
  for (const { run: number, how } of wrong)
    say(`Run ${number} is wrong (npm run chaos -- --seed ${seed} --only ${number}):\n  ${how}`);
  say(
    `${outcome.runs} runs, ${wrong.length} wrong; ${deadLetters} dead letters, cleared by redrive; ` +
      `${conflicts} conditional writes refused; ${repeated} facts announced again under their ids; ${seconds.toFixed(0)} s`,
  );
  return wrong.length === 0 ? 0 : 1;
}

/** Exit code: 0 when every mutant is caught. */
async function mutate(mutants: readonly Mutant[], { seed, runs }: Schedules): Promise<number> {
  let missed = 0;
  for (const mutant of mutants) {
    const { wrong } = await withMutant(mutant, (root) => chaos({ runs, seed, root, onProgress }));
    const [first] = wrong;
    if (first === undefined) missed += 1;
    const found =
      first === undefined ? "NOT CAUGHT" : `caught by ${wrong.length} of ${runs.length} runs, as ${first.run}`;
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
  const runs = only === undefined ? [...Array(wholeNumber("runs", values.runs)).keys()] : [wholeNumber("only", only)];
  const mutants = MUTANTS.filter(({ name }) => values.mutants || name === mutant);
  if (mutant !== undefined && mutants.length === 0)
    throw new UsageError(`--mutant is "${mutant}"; there are ${MUTANTS.map(({ name }) => name).join(", ")}`);
  return mutants.length > 0 ? mutate(mutants, { seed, runs }) : attack({ seed, runs }, only !== undefined);
}

await run(main);
