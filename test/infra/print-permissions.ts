import { Graph } from "./graph.ts";
import { permissionsIn } from "./permissions.ts";
import { STAGES } from "./stages.ts";
import { synthesise } from "./synth/index.ts";
import { ensurePlatform } from "./synth/platform.ts";
import { bundleProgram, removeProgram } from "./synth/program.ts";

/** `npm run permissions`: what each function may do to what, straight from the graph of a stage. */
await ensurePlatform();
const program = await bundleProgram(`permissions.${process.pid}`);
try {
  const stage = STAGES[0];
  if (stage === undefined) throw new Error("There is no stage");
  const rows = permissionsIn(new Graph(await synthesise(program, stage), stage.own));
  const widths = {
    function: 10,
    actions: Math.max(...rows.flatMap(({ actions }) => actions.map((each) => each.length))),
  };
  const line = (left: string, middle: string, right: string) =>
    console.log(`${left.padEnd(widths.function)}  ${middle.padEnd(widths.actions)}  ${right}`.trimEnd());
  line("function", "action", "resource");
  for (const { function: name, actions, resources } of rows)
    for (const action of actions) line(name, action, resources.join(", "));
} finally {
  await removeProgram(program);
}
