import type { VideoSplitEvent } from "#events-schema";
import { mapConcurrently } from "../video/concurrency.ts";
import { SourceUnavailableError } from "../video/errors.ts";
import * as facts from "../video/event-data.ts";
import { correlationId, eventId, factId, type Hash } from "../video/ids.ts";
import { parentOf } from "../video/own-segments.ts";
import type { EventPublisher } from "../video/ports/event-publisher.ts";
import type { Log } from "../video/ports/log.ts";
import type { StoredObject, StoredObjects } from "../video/ports/stored-objects.ts";
import type { VideoLedger } from "../video/ports/video-ledger.ts";
import { hasExtension, sourceIdentity } from "../video/source.ts";
import { decide, MOST_REQUESTS } from "./domain/patience.ts";
import type { UploadLedger } from "./ports/upload-ledger.ts";
import type { ListedUpload, Uploads } from "./ports/uploads.ts";

/** What one run came to. */
export type Reconciliation = {
  /** Uploads of the right age. */
  seen: number;
  unfinished: number;
  requested: number;
  givenUp: number;
  /** False where the time ran out first: the next run begins anew. */
  complete: boolean;
};

export type ReconcilerSettings = {
  bucket: string;
  keyPrefix: string;
  /** Of uploads that are split, in lower case and without a dot. */
  acceptedExtensions: readonly string[];
  /** How long a split may take before it is asked for again. */
  graceSeconds: number;
};

export type ReconcilerDependencies = {
  uploads: Uploads;
  store: StoredObjects;
  ledger: UploadLedger & VideoLedger;
  publisher: EventPublisher;
  log: Log;
  hash: Hash;
  /** Epoch seconds. */
  now: () => number;
  settings: ReconcilerSettings;
};

/** As long as dead letters are kept: what is older was somebody's to look at long ago. */
const OLDEST_SECONDS = 14 * 86_400;

/** Uploads looked up at the same time. */
const MAX_LOOKUPS_AT_ONCE = 10;

type Found = "ended" | "waiting" | "requested" | "given up" | "no upload" | "failed";

/** Some uploads couldn't be looked after; the others were. The next run tries again. */
export class IncompleteError extends Error {
  override name = "IncompleteError";
}

/**
 * Looks for uploads that came to no end, neither `VideoSplit` nor `VideoRejected`, asks for them again a few times, and then
 * announces that they were given up. Stops in order when `signal` is aborted. Throws `IncompleteError` in the end where some
 * couldn't be looked after.
 */
export async function reconcile(dependencies: ReconcilerDependencies, signal: AbortSignal): Promise<Reconciliation> {
  const { uploads, settings, ledger, log } = dependencies;
  const now = dependencies.now();
  const oldest = Math.max(await ledger.beginning(now), now - OLDEST_SECONDS);
  const isDue = ({ source, uploadedAt }: ListedUpload): boolean =>
    uploadedAt >= oldest &&
    uploadedAt + settings.graceSeconds <= now &&
    hasExtension(source.key, settings.acceptedExtensions);
  const counts: Record<Found, number> = {
    ended: 0,
    waiting: 0,
    requested: 0,
    "given up": 0,
    "no upload": 0,
    failed: 0,
  };
  const lookUp = async (upload: ListedUpload, ending: AbortSignal): Promise<void> => {
    counts[await tryToLookAfter(upload, now, dependencies, ending)] += 1;
  };
  try {
    for await (const page of uploads.list(settings.bucket, settings.keyPrefix, signal)) {
      await mapConcurrently(page.filter(isDue), MAX_LOOKUPS_AT_ONCE, lookUp, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const { ended, waiting, requested, "given up": givenUp } = counts;
  const unfinished = waiting + requested + givenUp;
  const outcome = { seen: ended + unfinished, unfinished, requested, givenUp, complete: !signal.aborted };
  log.info("Reconciled", outcome);
  if (counts.failed > 0) throw new IncompleteError(`${counts.failed} uploads couldn't be looked after`);
  return outcome;
}

/** One upload that can't be read must not keep the others from being found. */
async function tryToLookAfter(
  upload: ListedUpload,
  now: number,
  dependencies: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<Found> {
  try {
    return await lookAfter(upload, now, dependencies, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { bucket, key } = upload.source;
    dependencies.log.warn("An upload couldn't be looked after", { bucket, key, why: String(error) });
    return "failed";
  }
}

async function lookAfter(
  upload: ListedUpload,
  now: number,
  dependencies: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<Found> {
  signal.throwIfAborted();
  const { ledger, settings } = dependencies;
  const identity = sourceIdentity(upload.source);
  if (await ledger.hasEnded(identity)) return "ended";
  const known = await ledger.requestsFor(identity);
  const decision = decide({ uploadedAt: upload.uploadedAt, ...known }, settings.graceSeconds, now);
  if (decision === "wait") return "waiting";
  if (!(await isUpload(upload, dependencies, signal))) return "no upload";
  signal.throwIfAborted();
  if (decision === "request") {
    await request(upload, identity, known.requests, dependencies, signal);
    return "requested";
  }
  await giveUp(upload, identity, dependencies, signal);
  return "given up";
}

/**
 * Neither a segment that somebody put there, nor gone since it was listed. What can't be read is the
 * split service's to reject.
 */
async function isUpload(
  { source }: ListedUpload,
  { store, hash }: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<boolean> {
  let stored: StoredObject | undefined;
  try {
    stored = await store.describe(source.bucket, source.key, source.versionId, signal);
  } catch (error) {
    if (error instanceof SourceUnavailableError) return error.reason !== "SourceNotFound";
    throw error;
  }
  return stored !== undefined && parentOf(stored, hash) === undefined && stored.source.etag === source.etag;
}

/** `eventId` follows from what is announced: the same, announced twice, has the same id. */
const metadataOf = (eventId: string, correlation: string, now: number): VideoSplitEvent["metadata"] => ({
  eventId,
  version: 1,
  correlationId: correlation,
  causationId: eventId,
  occurredAt: new Date(now * 1_000).toISOString(),
});

async function request(
  { source }: ListedUpload,
  identity: string,
  nth: number,
  dependencies: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { publisher, ledger, log, hash, now } = dependencies;
  const { bucket, key, versionId } = source;
  const correlation = correlationId(identity, hash);
  await publisher.publish(
    {
      type: "SplitRequested",
      metadata: metadataOf(eventId(correlation, "SplitRequested", nth, hash), correlation, now()),
      data: { bucket, key, ...(versionId === undefined ? {} : { version_id: versionId }), reason: "redrive" },
    },
    signal,
  );
  await ledger.countRequest(identity, nth + 1, now());
  log.warn("An upload came to no end: asked for it again", { bucket, key, request: nth + 1 });
}

async function giveUp(
  { source, bytes }: ListedUpload,
  identity: string,
  dependencies: ReconcilerDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { publisher, ledger, log, hash, now } = dependencies;
  const videoId = await ledger.claimBlock(identity);
  const correlation = correlationId(identity, hash);
  const message =
    `The upload was asked for ${MOST_REQUESTS} times and came to no end. "npm run dead-letters -- list" may say why; ` +
    `when the cause is gone, redrive it, or ask for it with "npm run request".`;
  const type = "VideoRejected" as const;
  const data = facts.rejected({ videoId, source, bytes }, "GivenUp", message);
  const metadata = metadataOf(factId(correlation, { type, data }, hash), correlation, now());
  await publisher.publish({ type, metadata, data }, signal);
  await ledger.recordEnding(videoId, "given up");
  log.warn("An upload came to no end: given up", { bucket: source.bucket, key: source.key, video_id: videoId });
}
