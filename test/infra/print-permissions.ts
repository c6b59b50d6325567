import { print } from "../../infra/command-line/lines.ts";
import { parseCommandLine } from "../../infra/command-line/parse.ts";
import { table } from "../../infra/command-line/table.ts";
import { Graph } from "./graph.ts";
import { permissionsIn } from "./permissions.ts";
import { STAGES } from "./stages.ts";
import { synthesise } from "./synth/index.ts";
import { ensurePlatform } from "./synth/platform.ts";
import { bundleProgram, removeProgram } from "./synth/program.ts";

const HELP = `npx video-split permissions

Prints what each function may do to what on AWS, from the graph that would be deployed. The first run takes a minute: it
lays out the sources of SST's components.
`;

const OPTIONS = { help: { type: "boolean", short: "h", default: false } } as const;

/** Runs `npx video-split permissions`: what each function may do to what, from the graph of a stage. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseCommandLine("permissions", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  await ensurePlatform();
  const program = await bundleProgram(`permissions.${process.pid}`);
  try {
    const stage = STAGES[0];
    if (stage === undefined) throw new Error("There is no stage");
    const rows = permissionsIn(new Graph(await synthesise(program, stage), stage.own)).flatMap(
      ({ function: name, actions, resources }) => actions.map((action) => [name, action, resources.join(", ")]),
    );
    print(...table([["function", "action", "resource"], ...rows]));
  } finally {
    await removeProgram(program);
  }
  return 0;
}
