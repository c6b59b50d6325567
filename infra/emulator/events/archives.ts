import type { PlacedEntry } from "./event-store.ts";
import { compilePattern } from "./pattern/index.ts";
import type { ArchiveRecord } from "./registry.ts";

const DAY_MS = 86_400_000;

/**
 * Whether an archive holds an entry of its bus's log at this moment. The log is the archive:
 * forwarded events are in it, replayed ones are not, and retention only hides what is older.
 */
export function archived(
  { pattern, retentionDays }: Pick<ArchiveRecord, "pattern" | "retentionDays">,
  now: number,
): (placed: PlacedEntry) => boolean {
  const matches = pattern === undefined ? () => true : compilePattern(JSON.parse(pattern));
  const oldest = retentionDays === 0 ? 0 : now - retentionDays * DAY_MS;
  return ({ entry }) => entry.at >= oldest && matches(entry.event);
}
