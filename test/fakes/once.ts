import type { Done, Once } from "../../services/split/ports/once.ts";

type Claim = {
  requestHash: string;
  /** The attempt that owns the claim. What an earlier owner does is ignored. */
  owner: string;
  /** Milliseconds of the epoch; until then no other attempt may take the claim over. */
  leaseUntil: number;
};
type Finished = { result: string; expiresAt: number };

const DAY_MS = 86_400_000;

/**
 * Work that is done once, recorded in memory. `invocation` is like Lambda's: a retry has the id of
 * its first attempt.
 */
export function fakeOnce(): { invocation(requestId: string, leftMs: number): Once } {
  const claims = new Map<string, Claim>();
  const finished = new Map<string, Finished>();

  const invocation =
    (owner: string, leftMs: number): Once =>
    async <T>(key: string, requestHash: string, work: () => Promise<Done<T>>) => {
      const now = Date.now();
      const done = finished.get(key);
      if (done !== undefined && done.expiresAt > now) return { result: JSON.parse(done.result) as T };
      const claim = claims.get(key);
      if (claim !== undefined && claim.owner !== owner && claim.leaseUntil >= now)
        return { busyWith: claim.requestHash };
      claims.set(key, { owner, requestHash, leaseUntil: now + leftMs });
      const isOwn = () => claims.get(key)?.owner === owner;
      try {
        const { result, keep } = await work();
        if (keep && isOwn()) finished.set(key, { result: JSON.stringify(result), expiresAt: now + DAY_MS });
        return { result };
      } finally {
        if (isOwn()) claims.delete(key);
      }
    };
  return { invocation };
}
