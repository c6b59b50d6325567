import { type Advisory, type AdvisoryList, isAffected, isReachable, releaseOf } from "./advisories.ts";

/** If the list is older, it may lack known advisories. */
export const MAX_LIST_AGE_DAYS = 90;

const DAY_MS = 86_400_000;

export const daysSince = (day: string, now: Date): number => Math.floor((now.getTime() - Date.parse(day)) / DAY_MS);

/** The advisories of one version. */
export type Finding = {
  version: string;
  /** Undefined if the version isn't a release and the list doesn't say on which it is based. */
  release: string | undefined;
  /** Reachable, not fixed, and not accepted (any more): these fail the audit. */
  open: Advisory[];
  /** Reachable and not fixed, but accepted. */
  accepted: Advisory[];
  /** Not fixed, but an upload can't reach the part. */
  unreachable: Advisory[];
};

const isAccepted = ({ accepted }: Advisory, list: AdvisoryList, now: Date): boolean => {
  const until = accepted === undefined ? undefined : list.accepted[accepted]?.until;
  return until !== undefined && daysSince(until, now) <= 0;
};

/** Compares a version with the list. */
export function auditVersion(version: string, list: AdvisoryList, now: Date): Finding {
  const release = releaseOf(version, list);
  const affecting = release === undefined ? [] : list.advisories.filter((one) => isAffected(release, one));
  const reachable = affecting.filter(isReachable);
  return {
    version,
    release,
    open: reachable.filter((one) => !isAccepted(one, list, now)),
    accepted: reachable.filter((one) => isAccepted(one, list, now)),
    unreachable: affecting.filter((one) => !isReachable(one)),
  };
}
