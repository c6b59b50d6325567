import { inject } from "vitest";
import { Graph } from "./graph.ts";
import { STAGES } from "./stages.ts";

/** The graph of one of STAGES, by the stage's name. */
export function graphOf(name: string): Graph {
  const stage = STAGES.find((each) => each.stage === name);
  const synthesis = inject("syntheses")[name];
  if (stage === undefined || synthesis === undefined) throw new Error(`There is no stage ${name} in STAGES`);
  return new Graph(synthesis, stage.own);
}
