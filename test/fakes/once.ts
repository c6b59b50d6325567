import type { Done, Once } from "../../services/split/ports/once.ts";

type Claim = {
  asking: string;
  /** Which try it is: one that was taken over from has no say any more. */
  owner: string;
  /** Milliseconds of the epoch: until then nobody else may take it over. */
  leaseUntil: number;
};
type Finished = { result: string; forgottenAt: number };

const DAY_MS = 86_400_000;

/**
 * Work that is done once, remembered in memory. `invocation` is as Lambda makes one: a retry has
 * its attempt's id.
 */
export function fakeOnce(): { invocation(requestId: string, leftMs: number): Once } {
  const claims = new Map<string, Claim>();
  const finished = new Map<string, Finished>();

  const invocation =
    (owner: string, leftMs: number): Once =>
    async <T>(key: string, asking: string, work: () => Promise<Done<T>>) => {
      const now = Date.now();
      const done = finished.get(key);
      if (done !== undefined && done.forgottenAt > now) return { result: JSON.parse(done.result) as T };
      const claim = claims.get(key);
      if (claim !== undefined && claim.owner !== owner && claim.leaseUntil >= now) return { busyWith: claim.asking };
      claims.set(key, { owner, asking, leaseUntil: now + leftMs });
      const isOwn = () => claims.get(key)?.owner === owner;
      try {
        const { result, remember } = await work();
        if (remember && isOwn()) finished.set(key, { result: JSON.stringify(result), forgottenAt: now + DAY_MS });
        return { result };
      } finally {
        if (isOwn()) claims.delete(key);
      }
    };
  return { invocation };
}
