import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import pLimit from "p-limit";
import type { Cut, VideoSplitEvent } from "#events-schema";
import { eventBridgePublisher } from "../../services/aws/event-publisher.ts";
import { sha256 } from "../../services/aws/ledger.ts";
import { s3MediaStore } from "../../services/aws/media-store.ts";
import { SourceUnavailableError } from "../../services/video/errors.ts";
import { blockStart, correlationId } from "../../services/video/ids.ts";
import { overridesOf } from "../../services/video/overrides.ts";
import { parentOf } from "../../services/video/own-segments.ts";
import type { StoredObject } from "../../services/video/ports/stored-objects.ts";
import { hasExtension, type Source, sourceIdentity } from "../../services/video/source.ts";
import type { Candidate } from "./estimate.ts";
import type { Deployment } from "./replay.ts";

/** Which objects to request, and how. */
export type RequestOptions = {
  bucket: string;
  prefix: string;
  segmentSeconds: number | undefined;
  cut: Cut | undefined;
  /** The settings' values, for objects whose metadata doesn't override them. */
  usual: { segmentSeconds: number; cut: Cut };
  /** In lower case: keys with another extension are skipped. */
  extensions: readonly string[];
  /** Requests a second. */
  rate: number;
  dryRun: boolean;
};

/** An object's duration in seconds; undefined where it isn't known. */
export type Lengths = (object: StoredObject) => Promise<number | undefined>;

export type RequestOutcome = {
  /** Objects that were, or on a dry run would be, requested. */
  requested: number;
  bytes: number;
  alreadySplit: number;
  /** Segments that this service made. */
  ownOutput: number;
  otherExtensions: number;
  /** Objects that can't be read: archived, encrypted with a key that may not be used. */
  unreadable: number;
  /** On a dry run: each video that would be requested. */
  candidates: Candidate[];
};

/** What is done with an object; for one that can't be read, `why`. */
export type OnObject = (key: string, what: "requested" | "already split" | "can't be read", why?: string) => void;

/** HeadObject requests at the same time. */
const MAX_CONCURRENT_HEADS = 8;

/** The document of exactly this version of this object. */
async function documentOf(
  { documents, table }: Pick<Deployment, "documents" | "table">,
  source: Source,
): Promise<{ status?: string; duration?: number } | undefined> {
  const VideoId = blockStart(sourceIdentity(source), 0, sha256);
  const { Item } = await documents.send(new GetCommand({ TableName: table, Key: { VideoId } }));
  return Item?.bucket === source.bucket && Item.key === source.key ? Item : undefined;
}

const requestFor = (
  source: Source,
  { segmentSeconds, cut }: Pick<RequestOptions, "segmentSeconds" | "cut">,
  reason: "backfill" | "manual" = "backfill",
): VideoSplitEvent<"SplitRequested"> => {
  const eventId = randomUUID();
  return {
    type: "SplitRequested",
    metadata: {
      eventId,
      version: 1,
      correlationId: correlationId(sourceIdentity(source), sha256),
      causationId: eventId,
      occurredAt: new Date().toISOString(),
    },
    data: {
      bucket: source.bucket,
      key: source.key,
      ...(source.versionId === undefined || source.versionId === "null" ? {} : { version_id: source.versionId }),
      ...(segmentSeconds === undefined ? {} : { segment_seconds: segmentSeconds }),
      ...(cut === undefined ? {} : { cut }),
      reason,
    },
  };
};

/** There is no such object, or it can't be read: `message` says why. */
export class UnreadableObjectError extends Error {
  override name = "UnreadableObjectError";
}

/**
 * Requests a split of one object, also of one that was rejected. Throws `UnreadableObjectError`,
 * `SourceUnavailableError`.
 */
export async function requestSplit(
  { s3, events, bus }: Pick<Deployment, "events" | "bus"> & { s3: S3Client },
  { bucket, key }: { bucket: string; key: string },
  signal: AbortSignal,
): Promise<void> {
  const found = await s3MediaStore(s3).describe(bucket, key, undefined, signal);
  if (found === undefined) throw new UnreadableObjectError(`There is no object s3://${bucket}/${key}`);
  if (found.unavailable !== undefined) throw new UnreadableObjectError(found.unavailable.message);
  const request = requestFor(found.source, { segmentSeconds: undefined, cut: undefined }, "manual");
  await eventBridgePublisher(events, bus).publish(request, signal);
}

/**
 * Requests a split of every video below a prefix that isn't split yet, at `rate` a second. Safe to
 * repeat: split videos are skipped, and the service ignores a request for one that is being split.
 * A dry run only counts, with the durations that `lengths` finds.
 */
export async function requestSplits(
  deployment: Pick<Deployment, "events" | "documents" | "bus" | "table"> & { s3: S3Client },
  options: RequestOptions,
  onObject: OnObject,
  signal: AbortSignal,
  lengths: Lengths = async () => undefined,
): Promise<RequestOutcome> {
  const { s3, events, bus } = deployment;
  const outcome: RequestOutcome = {
    requested: 0,
    bytes: 0,
    alreadySplit: 0,
    ownOutput: 0,
    otherExtensions: 0,
    unreadable: 0,
    candidates: [],
  };
  const publisher = eventBridgePublisher(events, bus);
  const store = s3MediaStore(s3);
  const limit = pLimit(MAX_CONCURRENT_HEADS);
  let due = Date.now();

  /** Undefined where it was deleted since it was listed, or can't be read. */
  const describe = async (key: string): Promise<StoredObject | undefined> => {
    const unread = (why: string): undefined => {
      outcome.unreadable += 1;
      onObject(key, "can't be read", why);
    };
    try {
      const found = await store.describe(options.bucket, key, undefined, signal);
      return found?.unavailable === undefined ? found : unread(found.unavailable.message);
    } catch (error) {
      if (error instanceof SourceUnavailableError) return unread(error.message);
      throw error;
    }
  };
  const consider = async (key: string) => {
    const found = await describe(key);
    if (found === undefined) return undefined;
    const document = await documentOf(deployment, found.source);
    const split = document?.status === "split";
    if (split || !options.dryRun) return { found, split };
    return { found, split, seconds: document?.duration ?? (await lengths(found)) };
  };
  const candidateOf = ({ bytes, metadata }: StoredObject, seconds: number | undefined): Candidate => {
    const { overrides } = overridesOf(metadata);
    return {
      bytes,
      seconds,
      segmentSeconds: options.segmentSeconds ?? overrides.segmentSeconds ?? options.usual.segmentSeconds,
      cut: options.cut ?? overrides.cut ?? options.usual.cut,
    };
  };
  const request = async (candidate: StoredObject): Promise<void> => {
    const wait = due - Date.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    due = Math.max(due, Date.now()) + 1_000 / options.rate;
    await publisher.publish(requestFor(candidate.source, options), signal);
  };

  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: options.bucket, Prefix: options.prefix });
  for await (const { Contents = [] } of pages) {
    const keys = Contents.flatMap(({ Key }) => (Key === undefined || Key.endsWith("/") ? [] : [Key]));
    const videos = keys.filter((key) => hasExtension(key, options.extensions));
    outcome.otherExtensions += keys.length - videos.length;
    for (const found of await Promise.all(videos.map((key) => limit(() => consider(key))))) {
      signal.throwIfAborted();
      if (found === undefined) continue;
      const { found: candidate, split, seconds } = found;
      if (parentOf(candidate, sha256) !== undefined) outcome.ownOutput += 1;
      else if (split) {
        outcome.alreadySplit += 1;
        onObject(candidate.source.key, "already split");
      } else {
        if (options.dryRun) outcome.candidates.push(candidateOf(candidate, seconds));
        else await request(candidate);
        outcome.requested += 1;
        outcome.bytes += candidate.bytes;
        onObject(candidate.source.key, "requested");
      }
    }
  }
  return outcome;
}
