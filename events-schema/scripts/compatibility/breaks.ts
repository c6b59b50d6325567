import type { Effect } from "./change.ts";
import { changes } from "./changes.ts";
import type { JsonSchema } from "./json-schema.ts";

/**
 * Users who aren't updated when the schema changes. `readers`: this service writes the event, so it
 * must not gain values that they don't know. `writers`: others write it, so no value that they send
 * may be refused.
 */
export type Party = "readers" | "writers";

/** Events that others write. This service writes all the rest. */
const WRITTEN_BY_OTHERS = new Set(["SplitRequested"]);

export const partyOf = (event: string): Party => (WRITTEN_BY_OTHERS.has(event) ? "writers" : "readers");

const HARMLESS: Record<Party, Effect> = { readers: "narrower", writers: "wider" };
const HURT: Record<Party, string> = {
  readers: "existing consumers don't expect that",
  writers: "events that others send would be refused or lost",
};

/** What breaks `party` when one schema replaces the other, a sentence each. */
export const breaks = (event: string, before: JsonSchema, after: JsonSchema, party: Party): string[] =>
  changes(before, after)
    .filter(({ effect }) => effect !== HARMLESS[party])
    .map(({ field, says }) => `${event}: ${field || "the event"} ${says}; ${HURT[party]}.`);
