import { mapConcurrently } from "../video/concurrency.ts";
import { SourceUnavailableError } from "../video/errors.ts";
import type { Log } from "../video/ports/log.ts";
import type { StoredObjects } from "../video/ports/stored-objects.ts";
import { isVersion, sourceIdentity } from "../video/source.ts";
import { type NamedObject, objectOfAgedOut } from "./domain/aged-out.ts";
import type { DeadLetters, ReceivedDeadLetter } from "./ports/dead-letters.ts";
import type { UploadLedger } from "./ports/upload-ledger.ts";

/** Dead letters that are received and stay: after this many, a run receives no more. */
const MAX_HELD = 100;

/** A run receives dead letters for this long. The next run continues. */
const RECEIVING_SECONDS = 20;

/**
 * The maximum time for which a dead letter is hidden from others. One that isn't examined by then
 * counts as failed.
 */
const HIDDEN_SECONDS = 30;

/** Dead letters examined concurrently: as many as one call receives. */
const MAX_CONCURRENT = 10;

export type ClearDependencies = {
  deadLetters: DeadLetters;
  store: StoredObjects;
  ledger: Pick<UploadLedger, "stateOf">;
  log: Log;
  /** Where uploads are. Dead letters about other objects stay. */
  settings: { bucket: string; keyPrefix: string };
};

/** The outcome for the dead letters of one run. */
export type Clearing = {
  cleared: number;
  /**
   * Times that a dead letter, or the queue, couldn't be read or written. Those dead letters stay.
   */
  failures: number;
};

/**
 * Deletes the dead letters whose event waited too long, for an upload that is split by now: the
 * event would change nothing. All others are released. Never throws: a failure is logged and
 * counted, and the rest is left to the next run. Ends early when `signal` is aborted.
 */
export async function clearDeadLetters(dependencies: ClearDependencies, signal: AbortSignal): Promise<Clearing> {
  const { deadLetters, log } = dependencies;
  const ending = AbortSignal.any([signal, AbortSignal.timeout(HIDDEN_SECONDS * 1_000)]);
  const enough = AbortSignal.timeout(RECEIVING_SECONDS * 1_000);
  const clearing: Clearing = { cleared: 0, failures: 0 };
  const held = new Map<string, ReceivedDeadLetter>();
  const countFailure = (what: string, error: unknown, fields: object = {}) => {
    if (signal.aborted) return;
    clearing.failures += 1;
    log.warn(what, { ...fields, why: String(error) });
  };
  const clear = async (deadLetter: ReceivedDeadLetter, aborting: AbortSignal): Promise<void> => {
    try {
      if (!(await wouldChangeNothing(deadLetter, dependencies, aborting))) return;
      await deadLetters.delete(deadLetter, aborting);
      held.delete(deadLetter.id);
      clearing.cleared += 1;
    } catch (error) {
      aborting.throwIfAborted();
      countFailure("A dead letter couldn't be examined or deleted", error, { message_id: deadLetter.id });
    }
  };
  try {
    while (held.size < MAX_HELD && !enough.aborted) {
      const received = await deadLetters.receive(HIDDEN_SECONDS, ending);
      if (received.length === 0) break;
      for (const deadLetter of received) held.set(deadLetter.id, deadLetter);
      await mapConcurrently(received, MAX_CONCURRENT, clear, ending);
    }
  } catch (error) {
    countFailure(`Dead letters couldn't be received, or not examined within ${HIDDEN_SECONDS} seconds`, error);
  }
  await deadLetters.release([...held.values()]).catch((error: unknown) => {
    countFailure(`Dead letters couldn't be released; they are hidden for ${HIDDEN_SECONDS} seconds at most`, error);
  });
  if (clearing.cleared > 0) log.info("Deleted dead letters of uploads that are split", clearing);
  return clearing;
}

/** Whether the dead letter's event would change nothing. */
async function wouldChangeNothing(
  { body }: ReceivedDeadLetter,
  dependencies: ClearDependencies,
  signal: AbortSignal,
): Promise<boolean> {
  const { ledger, settings } = dependencies;
  const object = objectOfAgedOut(body);
  if (object?.bucket !== settings.bucket || !object.key.startsWith(settings.keyPrefix)) return false;
  const identity = await identityOf(object, dependencies, signal);
  // One that was rejected or given up may be split by the event: docs/decisions/later-requests.md.
  return identity !== undefined && (await ledger.stateOf(identity)) === "split";
}

/** Undefined where the object was deleted, or can't be described. */
async function identityOf(
  { bucket, key, etag, versionId }: NamedObject,
  { store }: ClearDependencies,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (isVersion(versionId) || etag !== undefined) return sourceIdentity({ bucket, key, versionId, etag: etag ?? "" });
  try {
    const stored = await store.describe(bucket, key, versionId, signal);
    return stored && sourceIdentity(stored.source);
  } catch (error) {
    if (error instanceof SourceUnavailableError) return undefined;
    throw error;
  }
}
