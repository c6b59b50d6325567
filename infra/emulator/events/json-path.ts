/** A step into an object, into an array, or into all elements of either. */
type Step = { name: string } | { index: number } | "all";

const STEP = /\.([A-Za-z0-9_$-]+)|\.(\*)|\[(\d+)\]|\[(\*)\]|\['([^']*)'\]|\["([^"]*)"\]/y;

/** The steps of a JSON path such as `$.detail.items[0].key`, or undefined for any other text. */
function stepsOf(path: string): Step[] | undefined {
  if (!path.startsWith("$")) return undefined;
  const steps: Step[] = [];
  const expression = new RegExp(STEP);
  expression.lastIndex = 1;
  while (expression.lastIndex < path.length) {
    const match = expression.exec(path);
    if (match === null) return undefined;
    const [, dotted, anyName, index, anyIndex, quoted, doubleQuoted] = match;
    const name = dotted ?? quoted ?? doubleQuoted;
    if (name !== undefined) steps.push({ name });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (anyName !== undefined || anyIndex !== undefined) steps.push("all");
  }
  return steps;
}

export const isJsonPath = (path: string): boolean => stepsOf(path) !== undefined;

function children(node: unknown, step: Step): unknown[] {
  if (typeof node !== "object" || node === null) return [];
  if (step === "all") return Object.values(node);
  if ("index" in step) return Array.isArray(node) && step.index < node.length ? [node[step.index]] : [];
  if (Array.isArray(node) || !Object.hasOwn(node, step.name)) return [];
  return [(node as Record<string, unknown>)[step.name]];
}

/**
 * The value at a path; undefined where there is none. With `*` it is the array of all values. The
 * subset of JSON path that EventBridge allows:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
export function atJsonPath(value: unknown, path: string): unknown {
  const steps = stepsOf(path);
  if (steps === undefined) return undefined;
  let nodes: unknown[] = [value];
  for (const step of steps) nodes = nodes.flatMap((node) => children(node, step));
  return steps.includes("all") ? nodes : nodes[0];
}
