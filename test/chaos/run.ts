import { parseArgs } from "node:util";
import { chaos } from "./chaos.ts";

const HELP = `npm run chaos -- [--runs 100] [--seed 1]

Splits a small video so often on a local stack that breaks things on purpose, by a seed, and compares what each run came to
with a run without faults. Exit code: 0 when all are the same.
`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else {
  const outcome = await chaos(Number(values.runs), Number(values.seed), (done) =>
    process.stderr.write(`${done} runs\n`),
  );
  for (const [kind, count] of Object.entries(outcome.faults))
    process.stdout.write(`${String(count).padStart(6)}  ${kind}\n`);
  process.stdout.write(
    `${outcome.runs} runs, ${outcome.wrong.length} wrong; ${outcome.deadLetters} dead letters, cleared by redrive; ` +
      `${outcome.repeated} facts announced again under their ids; ${outcome.seconds.toFixed(0)} s\n`,
  );
  for (const wrong of outcome.wrong) process.stdout.write(`${wrong}\n`);
  process.exitCode = outcome.wrong.length === 0 ? 0 : 1;
}
