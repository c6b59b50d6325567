import * as z from "zod";
import { ALLOWED_DECODERS, DEMUXERS, INPUT_PROTOCOLS } from "../../services/ffmpeg/index.ts";
import recorded from "./advisories.json" with { type: "json" };

const Day = z.iso.date();
const Release = z.string().regex(/^\d+(\.\d+){1,2}$/);

const Advisory = z.object({
  id: z.string().regex(/^CVE-\d{4}-\d{4,}$/),
  /**
   * The faulty part of ffmpeg. A demuxer, decoder or protocol is reachable if the sandbox allows
   * it. `used` parts are always reachable, and `unused` ones never, for the reason in `why`.
   */
  kind: z.enum(["demuxer", "decoder", "protocol", "used", "unused"]),
  /** ffmpeg's name of it. */
  name: z.string(),
  why: z.string().optional(),
  what: z.string(),
  /** The first and the last release with the fault; undefined: from the beginning, and all. */
  since: Release.optional(),
  through: Release.optional(),
  /** The first release of each branch that has the fix, in order. */
  fixedIn: z.array(Release),
  source: z.url(),
  /** A key of `accepted`. */
  accepted: z.string().optional(),
});
export type Advisory = z.infer<typeof Advisory>;

/** advisories.json: the known advisories, their sources, and the date of the search. */
export const AdvisoryList = z.object({
  asOf: Day,
  sources: z.array(z.object({ name: z.string(), read: Day, covers: z.string() })),
  latestRelease: Release,
  /** Why a reachable fault is accepted, and until when. */
  accepted: z.record(z.string(), z.object({ until: Day, reason: z.string() })),
  /** Development snapshots, by the release that they come after. */
  snapshots: z.record(z.string(), Release),
  advisories: z.array(Advisory),
});
export type AdvisoryList = z.infer<typeof AdvisoryList>;

export const ADVISORIES: AdvisoryList = AdvisoryList.parse(recorded);

const numbersOf = (release: string): number[] => release.split(".").map(Number);

/** Negative where the first is older. 7.1 is the same as 7.1.0. */
function compare(one: string, other: string): number {
  const [first, second] = [numbersOf(one), numbersOf(other)];
  const at = [0, 1, 2].find((index) => (first[index] ?? 0) !== (second[index] ?? 0)) ?? 0;
  return (first[at] ?? 0) - (second[at] ?? 0);
}

const branchOf = (release: string): string => numbersOf(release).slice(0, 2).join(".");

/**
 * Whether a release has a fault: it began before it, and no fix was made in its branch or before.
 */
export function isAffected(release: string, { since, through, fixedIn }: Advisory): boolean {
  if (since !== undefined && compare(release, since) < 0) return false;
  if (through !== undefined && compare(release, through) > 0) return false;
  const newest = fixedIn.at(-1);
  const inBranch = fixedIn.find((fixed) => branchOf(fixed) === branchOf(release));
  if (inBranch !== undefined) return compare(release, inBranch) < 0;
  return newest === undefined || compare(release, newest) < 0;
}

/** Whether an upload can reach the part that has the fault. */
export function isReachable({ kind, name }: Advisory): boolean {
  if (kind === "demuxer") return DEMUXERS.includes(name);
  if (kind === "decoder") return ALLOWED_DECODERS.includes(name);
  if (kind === "protocol") return INPUT_PROTOCOLS.includes(name);
  return kind === "used";
}

/**
 * The release that a version is, or is based on: 5.1.9 for "5.1.9-0+deb12u1". Undefined: unknown.
 */
export const releaseOf = (version: string, { snapshots }: AdvisoryList): string | undefined =>
  snapshots[version] ?? /^\d+(\.\d+){1,2}/.exec(version)?.[0];
