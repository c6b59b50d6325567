import { mapConcurrently } from "../video/concurrency.ts";
import { hasExtension } from "../video/source.ts";
import { type ClearDependencies, type Clearing, clearDeadLetters } from "./clear-dead-letters.ts";
import { ageReached, isBeforeEvents, lookUpAges, type Waits } from "./domain/look-up-schedule.ts";
import { afterPage, type Pass, type Progress, passToWorkOn, sameAgain } from "./domain/passes.ts";
import { type DueUpload, type Found, type LookUpDependencies, lookUp } from "./look-up.ts";
import type { Lease } from "./ports/upload-ledger.ts";
import type { ListedUpload, Uploads } from "./ports/uploads.ts";

/** The result of one run. */
export type Reconciliation =
  | (Reconciled & { deadLetters: Clearing })
  /** The bucket is large, and the next pass begins later. */
  | { outcome: "not due"; deadLetters: Clearing }
  /** Another run is in progress. */
  | { outcome: "busy" };

/** What was done in a pass. Numbers count object versions. */
type Reconciled = {
  outcome: "reconciled";
  /** Listed. */
  seen: number;
  lookedUp: number;
  /** Looked up, and neither split nor rejected at that time. */
  unfinished: number;
  requested: number;
  givenUp: number;
  /** Whether the pass over the bucket is complete. If not, the next run continues it. */
  complete: boolean;
};

export type ReconcilerSettings = {
  bucket: string;
  /**
   * True: the bucket existed before the stage, so uploads that are older than the stage's ledger
   * aren't looked up.
   */
  isAttached: boolean;
  keyPrefix: string;
  /** Of uploads that are split, in lower case and without a dot. */
  acceptedExtensions: readonly string[];
} & Waits;

export type ReconcilerDependencies = LookUpDependencies &
  ClearDependencies & { uploads: Uploads; settings: ReconcilerSettings };

/** Uploads looked up at the same time. */
const MAX_CONCURRENT_LOOKUPS = 10;

/** Some uploads couldn't be looked up; the others were. */
export class IncompleteError extends Error {
  override name = "IncompleteError";
}

/**
 * Deletes dead letters of uploads that are split. Then continues the pass over the upload bucket,
 * or begins the next one. Looks up each upload that reached one of its ages since the pass before,
 * requests it again if it isn't split or rejected, and rejects it if requests had no success. Ends
 * cleanly when `signal` is aborted. Throws `IncompleteError` where some couldn't be looked up,
 * `LeaseLostError` where another run took over, and what the ports throw.
 */
export async function reconcile(
  dependencies: ReconcilerDependencies,
  lease: Lease,
  signal: AbortSignal,
): Promise<Reconciliation> {
  const { ledger, log, now } = dependencies;
  const progress = await ledger.takeLease(lease, now());
  if (progress === undefined) {
    log.info("Another run is in progress: nothing to do");
    return { outcome: "busy" };
  }
  try {
    const deadLetters = await clearDeadLetters(dependencies, signal);
    const pass = passToWorkOn(progress, now());
    if (typeof pass === "number") {
      log.info("The next pass isn't due yet", { due: new Date(pass * 1_000).toISOString() });
      return { outcome: "not due", deadLetters };
    }
    return { ...(await continuePass(progress, pass, dependencies, lease, signal)), deadLetters };
  } finally {
    await ledger.releaseLease(lease.owner);
  }
}

type Counts = Record<Found | "failed" | "seen", number>;

const outcomeOf = (counts: Counts, complete: boolean): Reconciled => {
  const { seen, ended, waiting, requested, "given up": givenUp, "no upload": noUpload, failed } = counts;
  const unfinished = waiting + requested + givenUp;
  const lookedUp = ended + unfinished + noUpload + failed;
  return { outcome: "reconciled", seen, lookedUp, unfinished, requested, givenUp, complete };
};

async function continuePass(
  progress: Progress,
  pass: Pass,
  dependencies: ReconcilerDependencies,
  { owner }: Lease,
  signal: AbortSignal,
): Promise<Reconciled> {
  const { ledger, uploads, settings, log } = dependencies;
  const counts: Counts = {
    seen: 0,
    ended: 0,
    waiting: 0,
    requested: 0,
    "given up": 0,
    "no upload": 0,
    failed: 0,
  };
  const dueIn = await dueUploads(progress, pass, dependencies);
  let current: Progress = { ...progress, pass };
  try {
    for await (const page of uploads.list(settings.bucket, settings.keyPrefix, pass.place, signal)) {
      counts.seen += page.uploads.length;
      const failed = await lookUpAll(dueIn(page.uploads), counts, dependencies, signal);
      const { pass: open = pass } = current;
      const again = failed > 0 ? sameAgain(open) : undefined;
      current = again === undefined ? afterPage(progress, open, page.next) : { ...progress, pass: again };
      await ledger.saveProgress(owner, current);
      if (again !== undefined) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const outcome = outcomeOf(counts, current.pass === undefined);
  log.info("Reconciled", outcome);
  if (counts.failed > 0) throw new IncompleteError(`${counts.failed} uploads couldn't be looked up`);
  return outcome;
}

/** Which uploads of a page are looked up in this pass. */
async function dueUploads(
  { last }: Progress,
  { asOf }: Pass,
  { ledger, settings }: ReconcilerDependencies,
): Promise<(page: ListedUpload[]) => DueUpload[]> {
  const { graceSeconds, eventSeconds, acceptedExtensions, isAttached } = settings;
  const waits: Waits = { graceSeconds, eventSeconds };
  const ages = lookUpAges(waits);
  const createdAt = await ledger.createdAt();
  const since = isAttached ? createdAt : -Infinity;
  const span = { previous: last?.asOf ?? -Infinity, asOf };
  return (page) =>
    page.flatMap((upload) => {
      const { source, uploadedAt } = upload;
      if (uploadedAt < since || !hasExtension(source.key, acceptedExtensions)) return [];
      const reached = ageReached(uploadedAt, ages, span);
      if (reached === undefined) return [];
      return [{ ...upload, reached, isBeforeEvents: isBeforeEvents(uploadedAt, createdAt), waits, asOf }];
    });
}

/** Resolves with how many couldn't be looked up: one of them must not block the others. */
async function lookUpAll(
  due: DueUpload[],
  counts: Counts,
  dependencies: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<number> {
  const before = counts.failed;
  await mapConcurrently(
    due,
    MAX_CONCURRENT_LOOKUPS,
    async (upload, ending) => {
      counts[await tryToLookUp(upload, dependencies, ending)] += 1;
    },
    signal,
  );
  return counts.failed - before;
}

async function tryToLookUp(
  upload: DueUpload,
  dependencies: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<Found | "failed"> {
  try {
    return await lookUp(upload, dependencies, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { bucket, key } = upload.source;
    dependencies.log.warn("An upload couldn't be looked up", { bucket, key, why: String(error) });
    return "failed";
  }
}
