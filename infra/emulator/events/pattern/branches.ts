import type { Condition } from "./condition.ts";
import { refuse } from "./errors.ts";
import { condition } from "./match-expressions.ts";

/** Conditions by the dotted path of the field. All paths must match; of a path's conditions any. */
export type Branch = ReadonlyMap<string, readonly Condition[]>;

/**
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-complex-example-or
 */
const MAX_BRANCHES = 1_000;

const OR = "$or";

/**
 * Names that a field inside `$or` can't have, so that a match expression isn't parsed as a field.
 */
const RESERVED_INSIDE_OR = new Set(
  (
    "exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard " +
    "not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range ip-address-in-range " +
    "ip-address-not-in-range"
  ).split(" "),
);

type Reading = { path: string; insideOr: boolean; orIsRelationship: boolean };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function withField(branches: readonly Branch[], path: string, elements: readonly unknown[]): Branch[] {
  if (elements.length === 0) refuse("Empty arrays are not allowed");
  const conditions = elements.map(condition);
  return branches.map((branch) => new Map(branch).set(path, conditions));
}

function withAlternatives(branches: readonly Branch[], alternatives: unknown, reading: Reading): Branch[] {
  if (!Array.isArray(alternatives)) return refuse(`It must be an Array followed with ${OR}.`);
  if (!alternatives.every(isObject)) {
    return refuse(`Only JSON object is allowed in array of ${OR} relationship.`);
  }
  if (alternatives.length < 2) return refuse(`There must have at least 2 Objects in ${OR} relationship.`);
  const all: Branch[] = [];
  for (const alternative of alternatives) {
    all.push(...withObject(branches, alternative, { ...reading, insideOr: true }));
    if (all.length > MAX_BRANCHES) refuse(`Rule has more than ${MAX_BRANCHES} combinations of ${OR}.`);
  }
  return all;
}

function withObject(branches: readonly Branch[], pattern: Record<string, unknown>, reading: Reading): Branch[] {
  const entries = Object.entries(pattern);
  if (entries.length === 0) return refuse("Empty objects are not allowed");
  let grown = [...branches];
  for (const [name, value] of entries) {
    const path = reading.path === "" ? name : `${reading.path}.${name}`;
    if (name === OR && reading.orIsRelationship) grown = withAlternatives(grown, value, reading);
    else if (reading.insideOr && RESERVED_INSIDE_OR.has(name)) {
      refuse(`${name} is Ruler reserved fieldName which cannot be used inside ${OR}.`);
    } else if (Array.isArray(value)) grown = withField(grown, path, value);
    else if (isObject(value)) grown = withObject(grown, value, { ...reading, path });
    else refuse(`"${name}" must be an object or an array`);
  }
  return grown;
}

const NOTHING_YET: readonly Branch[] = [new Map()];

/**
 * A pattern as branches without `$or`, of which any may match. A path that is named again replaces
 * its conditions, as in event-ruler. If `$or` can't be the operator, it is a field with that name.
 * Throws `InvalidEventPatternException`.
 */
export function branchesOf(pattern: unknown): Branch[] {
  if (!isObject(pattern)) return refuse("Filter is not an object");
  try {
    return withObject(NOTHING_YET, pattern, { path: "", insideOr: false, orIsRelationship: true });
  } catch (asRelationship) {
    try {
      return withObject(NOTHING_YET, pattern, { path: "", insideOr: false, orIsRelationship: false });
    } catch {
      throw asRelationship;
    }
  }
}
