import type { VideoSplitEvent } from "#events-schema";
import { SourceUnavailableError } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import { correlationId, eventId, type Hash, uploadEventId } from "../video/ids.ts";
import { parentOf } from "../video/own-segments.ts";
import type { EventPublisher } from "../video/ports/event-publisher.ts";
import type { Log } from "../video/ports/log.ts";
import type { StoredObject, StoredObjects } from "../video/ports/stored-objects.ts";
import type { VideoLedger } from "../video/ports/video-ledger.ts";
import { sourceIdentity } from "../video/source.ts";
import { decide, type Waits } from "./domain/look-up-schedule.ts";
import type { UploadLedger } from "./ports/upload-ledger.ts";
import type { ListedUpload } from "./ports/uploads.ts";

export type LookUpDependencies = {
  store: StoredObjects;
  ledger: UploadLedger & VideoLedger;
  publisher: EventPublisher;
  log: Log;
  hash: Hash;
  /** Epoch seconds. */
  now: () => number;
};

/** An upload to look up. */
export type DueUpload = ListedUpload & {
  /** Which of its ages it reached, from 0. */
  reached: number;
  /** S3 may have sent no event for it. */
  isBeforeEvents: boolean;
  waits: Waits;
  /** Of the pass. */
  asOf: number;
};

/** The result for an upload. "no upload": a segment of this service, or deleted. */
export type Found = "ended" | "waiting" | "requested" | "given up" | "no upload";

/**
 * Looks one upload up in the ledger. Requests it again where it isn't split or rejected, or
 * announces that it's given up. Throws what the ports throw, and `signal`'s reason.
 */
export async function lookUp(upload: DueUpload, dependencies: LookUpDependencies, signal: AbortSignal): Promise<Found> {
  signal.throwIfAborted();
  const { ledger } = dependencies;
  const { reached, waits, asOf } = upload;
  const identity = sourceIdentity(upload.source);
  const state = await ledger.stateOf(identity);
  if (state !== "unknown" && state !== "begun") return "ended";
  const { requests, lastRequestAt } = await ledger.requestsFor(identity);
  const mayWait = state === "unknown" && !upload.isBeforeEvents;
  const progressAt = await ledger.progressOf(identity);
  const decision = decide({ reached, mayWait, requests, lastRequestAt, progressAt }, waits, asOf);
  if (decision === "wait") return "waiting";
  if (!(await isUpload(upload, dependencies, signal))) return "no upload";
  signal.throwIfAborted();
  if (decision === "request") {
    await request(upload, identity, requests, dependencies, signal);
    return "requested";
  }
  await giveUp(upload, identity, requests, dependencies, signal);
  return "given up";
}

/**
 * Whether it still exists and isn't a copied segment. An unreadable one is an upload: the split
 * service rejects it.
 */
async function isUpload(
  { source }: ListedUpload,
  { store, hash }: LookUpDependencies,
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

/** `eventId` is computed from the announced data, so a repeated announcement has the same id. */
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
  requests: number,
  dependencies: LookUpDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { publisher, ledger, log, hash, now } = dependencies;
  const { bucket, key, versionId } = source;
  const correlation = correlationId(identity, hash);
  await publisher.publish(
    {
      type: "SplitRequested",
      metadata: metadataOf(eventId(correlation, "SplitRequested", requests, hash), correlation, now()),
      data: { bucket, key, ...(versionId === undefined ? {} : { version_id: versionId }), reason: "redrive" },
    },
    signal,
  );
  await ledger.countRequest(identity, requests + 1, now());
  log.warn("An upload did not finish: requested it again", { bucket, key, request: requests + 1 });
}

async function giveUp(
  { source, bytes }: ListedUpload,
  identity: string,
  requests: number,
  dependencies: LookUpDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { publisher, ledger, log, hash, now } = dependencies;
  const videoId = await ledger.claimBlock(identity);
  const correlation = correlationId(identity, hash);
  const times = requests === 1 ? "once" : `${requests} times`;
  const message =
    `The upload was requested again ${times} and did not finish. "npx video-split dead-letters list" may show why. ` +
    `Remove the cause, then redrive the dead letter or request the upload with "npx video-split request".`;
  const type = "VideoRejected" as const;
  const data = eventData.rejected({ videoId, source, bytes }, "GivenUp", message);
  const metadata = metadataOf(uploadEventId(correlation, { type, data }, hash), correlation, now());
  await publisher.publish({ type, metadata, data }, signal);
  await ledger.recordEnding(videoId, "given up");
  log.warn("An upload did not finish: rejected as GivenUp", {
    bucket: source.bucket,
    key: source.key,
    video_id: videoId,
  });
}
