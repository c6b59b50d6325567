/** Where a listing continues: after this version of this key, or after all of the key's. */
export type Place = { key: string; versionId?: string | undefined };

/** A listing of the whole bucket, by one run or by many. */
export type Pass = {
  /**
   * When it began, in epoch seconds. All of its runs use this time to decide which uploads are due.
   */
  asOf: number;
  /** Undefined: at the first key. */
  place?: Place | undefined;
  listCalls: number;
  /** Runs that failed to look up an upload of the page at `place`. */
  failures: number;
};

/** The reconciler's progress. */
export type Progress = {
  /** The last pass that is complete. */
  last?: { asOf: number; listCalls: number } | undefined;
  /** The pass that isn't complete. */
  pass?: Pass | undefined;
};

/** A run begins or continues a pass. */
export const RUN_EVERY_MINUTES = 15;

/** $2, at S3's $0.005 per 1,000 in us-east-1. */
const MAX_LIST_CALLS_PER_MONTH = 400_000;

const MONTH_SECONDS = 30 * 86_400;

/**
 * From the beginning of a pass to the next one's, in seconds, given the LIST calls of the pass. 0:
 * with a pass in each run, the limit isn't reached.
 */
export function passInterval(listCalls: number): number {
  const seconds = (listCalls * MONTH_SECONDS) / MAX_LIST_CALLS_PER_MONTH;
  return seconds <= RUN_EVERY_MINUTES * 60 ? 0 : Math.ceil(seconds);
}

/** The pass to work on; or, if the next pass begins later, its time in epoch seconds. */
export function passToWorkOn({ last, pass }: Progress, now: number): Pass | number {
  if (pass !== undefined) return pass;
  const due = last === undefined ? now : last.asOf + passInterval(last.listCalls);
  return due > now ? due : { asOf: now, listCalls: 0, failures: 0 };
}

/**
 * After this many runs that failed at one page, the pass continues: one upload must not block all
 * others.
 */
const MAX_FAILURES = 3;

/**
 * The pass that repeats a page of which some uploads couldn't be looked up; undefined if the pass
 * continues.
 */
export function sameAgain(pass: Pass): Pass | undefined {
  if (pass.failures + 1 >= MAX_FAILURES) return undefined;
  return { ...pass, listCalls: pass.listCalls + 1, failures: pass.failures + 1 };
}

/**
 * The progress after a page whose listing continues at `next`; undefined where it ends with the
 * page.
 */
export function afterPage({ last }: Progress, pass: Pass, next: Place | undefined): Progress {
  const listCalls = pass.listCalls + 1;
  if (next === undefined) return { last: { asOf: pass.asOf, listCalls } };
  return { last, pass: { asOf: pass.asOf, place: next, listCalls, failures: 0 } };
}
