import type { Branch } from "./branches.ts";
import type { EventFields, Field, Membership } from "./event-fields.ts";

const NOWHERE: Membership = new Map();

const agrees = (chosen: Membership, field: Field): boolean => {
  for (const [array, index] of field.membership) {
    const before = chosen.get(array);
    if (before !== undefined && before !== index) return false;
  }
  return true;
};

/** Fields of a path, without those in other elements of an array than the match so far. */
function consistentFields(path: string, chosen: Membership, fields: EventFields): Field[] {
  const ofPath = fields.get(path);
  if (ofPath === undefined) return [];
  for (const [array, index] of chosen) {
    const inArray = ofPath.byArray.get(array);
    // Looking up the element keeps matching linear where each field is in that array, which is the
    // usual case.
    if (inArray !== undefined && inArray.count === ofPath.all.length) {
      return (inArray.byIndex.get(index) ?? []).filter((field) => agrees(chosen, field));
    }
  }
  return ofPath.all.filter((field) => agrees(chosen, field));
}

/** For each path, the arrays in which later paths have fields: only these can still conflict. */
function arraysAfter(paths: readonly string[], fields: EventFields): Set<number>[] {
  const after: Set<number>[] = [];
  let arrays = new Set<number>();
  for (const path of [...paths].reverse()) {
    after.unshift(arrays);
    arrays = new Set([...arrays, ...(fields.get(path)?.byArray.keys() ?? [])]);
  }
  return after;
}

/** The relevant parts of both memberships, and a text that is equal for equal ones. */
function merged(chosen: Membership, found: Membership, relevant: ReadonlySet<number>): [text: string, Membership] {
  const entries = [...chosen, ...found].filter(([array]) => relevant.has(array));
  const membership = new Map(entries.sort(([a], [b]) => a - b));
  return [[...membership].join(" "), membership];
}

/**
 * Whether fields of the event meet all of a branch's paths without being in different elements of
 * the same array. Paths go in alphabetical order, as in event-ruler: whether a field counts as
 * absent depends on the elements chosen before.
 */
export function matchesBranch(branch: Branch, fields: EventFields): boolean {
  const paths = [...branch.keys()].sort();
  const relevantAfter = arraysAfter(paths, fields);
  let candidates = new Map<string, Membership>([["", NOWHERE]]);
  paths.forEach((path, at) => {
    const conditions = branch.get(path) ?? [];
    const absenceWanted = conditions.some(({ absent }) => absent);
    const relevant = relevantAfter[at] ?? new Set();
    const next = new Map<string, Membership>();
    for (const chosen of candidates.values()) {
      const found = consistentFields(path, chosen, fields);
      if (absenceWanted && found.length === 0) next.set(...merged(chosen, NOWHERE, relevant));
      for (const field of found) {
        if (conditions.some((condition) => !condition.absent && condition.matches(field.value))) {
          next.set(...merged(chosen, field.membership, relevant));
        }
      }
    }
    candidates = next;
  });
  return candidates.size > 0;
}
