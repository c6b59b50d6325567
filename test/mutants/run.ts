import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { UsageError } from "../../infra/command-line/run.ts";
import { ANCHORING_MUTANTS } from "./anchoring/index.ts";
import { TEST_SOURCES, withMutant } from "./mutant.ts";
import { runTests } from "./run-tests.ts";
import type { TestedMutant } from "./tested-mutant.ts";

const HELP = `npx video-split mutants [--only TEXT]

Takes out the guards of anchored boundaries one by one, each in a temporary copy of the project, and runs the test file
that must fail then. First, all of these test files must pass without a mutant. Prints a table: the guard, the first
test that failed, and what happens to a segment without the guard, where that is known. Exit code: 0 when each mutant
is caught.

  --only TEXT  only mutants whose names contain this text

Examples:
  npx video-split mutants
  npx video-split mutants --only read-back
`;

const OPTIONS = {
  only: { type: "string", default: "" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** The first test that fails in a copy without the guard; undefined where none does. */
async function failedTest(
  { name, edits }: Pick<TestedMutant, "name" | "edits">,
  files: readonly string[],
  stopping: AbortSignal,
) {
  const { passed, failed } = await withMutant({ name, edits }, (root) => runTests(root, files, stopping), TEST_SOURCES);
  return passed ? undefined : failed;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs `npx video-split mutants`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values } = parseCommandLine("mutants", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const mutants = ANCHORING_MUTANTS.filter(({ name }) => name.includes(values.only));
  if (mutants.length === 0) throw new UsageError(`--only is "${values.only}"; no mutant has that in its name`);
  const files = [...new Set(mutants.map(({ caughtBy }) => caughtBy))];
  const failing = await failedTest({ name: "nothing", edits: [] }, files, stopping);
  if (failing !== undefined) {
    print(`Without a mutant, a test fails: ${failing}`);
    return 1;
  }
  print("| mutant | removed | caught by | without the guard |\n|---|---|---|---|");
  let missed = 0;
  for (const mutant of mutants) {
    const { name, without, caughtBy, outcome = "" } = mutant;
    const failed = await failedTest(mutant, [caughtBy], stopping);
    if (failed === undefined) missed += 1;
    const found = failed === undefined ? "NOT CAUGHT" : `${caughtBy}: ${failed}`;
    print(`| ${name} | ${without} | ${found} | ${outcome} |`);
  }
  print(`\n${mutants.length} mutants, ${mutants.length - missed} caught`);
  return missed === 0 ? 0 : 1;
}
