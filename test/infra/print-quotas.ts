import { print } from "../../infra/command-line/lines.ts";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { table } from "../../infra/command-line/table.ts";
import { Graph } from "./graph.ts";
import { QUOTAS, usedBy } from "./quotas.ts";
import { STAGE_OF_MAX_LENGTH, STAGES } from "./stages.ts";
import { synthesise } from "./synth/index.ts";
import { ensurePlatform } from "./synth/platform.ts";
import { bundleProgram, removeProgram } from "./synth/program.ts";

const HELP = `npx video-split quotas

Prints which of AWS's quotas one stage and ten stages use, and how much, from the graph that would be deployed. The first
run takes a minute: it lays out the sources of SST's components.
`;

const OPTIONS = { help: { type: "boolean", short: "h", default: false } } as const;

/** Runs `npx video-split quotas`: what one stage and ten stages use of AWS's quotas, from the graph of a stage. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("quotas", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  await ensurePlatform();
  const program = await bundleProgram(`quotas.${process.pid}`);
  try {
    const stage = STAGES.find((each) => each.stage === STAGE_OF_MAX_LENGTH)!;
    const graph = new Graph(await synthesise(program, stage), stage.own);
    const rows = QUOTAS.map((quota) => [
      quota.says,
      ...[quota.limit, usedBy(quota, graph, 1), usedBy(quota, graph, 10)].map((value) => value.toLocaleString("en-US")),
      quota.source,
    ]);
    print(...table([["quota", "limit", "one stage", "ten", "source"], ...rows], [1, 2, 3]));
  } finally {
    await removeProgram(program);
  }
  return 0;
}
