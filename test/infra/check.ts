import { isDeepStrictEqual } from "node:util";
import type { Graph } from "./graph.ts";
import type { Stage } from "./stages.ts";

/**
 * A check of a graph. It is run on every stage, where it must find no fault, and on each of its
 * `broken` graphs, where it must find one, so that no check is without effect.
 */
export type Check = {
  says: string;
  /** Sentences about what is wrong; none where all is well. */
  faults(graph: Graph): string[];
  /** Graphs without the checked property or with a wrong one, by the change. */
  broken: Record<string, (graph: Graph) => Graph>;
  /** Stages that it says nothing of: such as one whose buckets are attached, which aren't ours to set up. */
  unless?: (stage: Stage) => boolean;
};

/** No fault where both are equal. */
export const same = (what: string, actual: unknown, expected: unknown): string[] =>
  isDeepStrictEqual(actual, expected)
    ? []
    : [`${what} is ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`];

/** `sst dev`: functions run on the developer's machine, and SST deploys stubs of them. */
export const isDev = ({ dev }: Stage): boolean => dev === true;
