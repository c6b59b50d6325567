import { branchesOf } from "./branches.ts";
import { fieldsOf, pathsOf } from "./event-fields.ts";
import { matchesBranch } from "./matching.ts";
import { assertSimpleWildcards } from "./wildcard-complexity.ts";

export { InvalidEventPatternException } from "./errors.ts";

/**
 * Compiles an event pattern of EventBridge:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html, with the
 * semantics of https://github.com/aws/event-ruler, without the bugs of its state machine: there
 * `0.0.0.0/0` also matches numbers, and `*b` beside another element that ignores case matches too
 * much. Both pattern and event are parsed JSON, so numbers are doubles and integers beyond 2^53
 * that share a double are the same. Throws `InvalidEventPatternException` for anything that isn't a
 * pattern.
 */
export function compilePattern(pattern: unknown): (event: unknown) => boolean {
  const branches = branchesOf(pattern);
  assertSimpleWildcards(pattern);
  const paths = pathsOf(branches.flatMap((branch) => [...branch.keys()]));
  return (event) => {
    if (typeof event !== "object" || event === null || Array.isArray(event)) return false;
    const fields = fieldsOf(event, paths);
    return branches.some((branch) => matchesBranch(branch, fields));
  };
}
