import type { Graph, Statement } from "./graph.ts";

/** One line of the table: what a function may do to what. */
export type Permission = { function: string; actions: string[]; resources: string[] };

/** Replaces a resource's physical name by its logical one, so that the table reads the same for every stage. */
function legible(graph: Graph, arn: string): string {
  const owners = graph.synthesis.resources
    .filter(({ type, state }) => type.startsWith("aws:") && typeof state.arn === "string")
    .filter(({ state }) => arn === state.arn || arn.startsWith(`${state.arn}/`) || arn.startsWith(`${state.arn}:`))
    .sort((left, right) => String(right.state.arn).length - String(left.state.arn).length);
  const [owner] = owners;
  return owner === undefined ? arn : `${owner.name}${arn.slice(String(owner.state.arn).length)}`;
}

const rowsOf = (graph: Graph, name: string, statements: Statement[]): Permission[] =>
  statements.map(({ Action, Resource }) => ({
    function: name,
    actions: Action,
    resources: Resource.map((arn) => legible(graph, arn)),
  }));

/** What every function of the graph may do, followed from the function to its role to the role's policies. */
export const permissionsIn = (graph: Graph): Permission[] =>
  graph.all("lambda/function:Function").flatMap((lambda) => {
    const role = graph.roleOf(lambda);
    return role === undefined ? [] : rowsOf(graph, lambda.name.replace(/Function$/, ""), graph.permissionsOf(role));
  });
