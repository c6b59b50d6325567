import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import pLimit from "p-limit";
import type { Cut, VideoSplitEvent } from "#events-schema";
import { eventBridgePublisher } from "../../services/aws/event-publisher.ts";
import { sha256 } from "../../services/aws/ledger.ts";
import { s3MediaStore } from "../../services/aws/media-store.ts";
import { blockStart, correlationId } from "../../services/video/ids.ts";
import { overridesOf } from "../../services/video/overrides.ts";
import { parentOf } from "../../services/video/own-segments.ts";
import type { StoredObject } from "../../services/video/ports/stored-objects.ts";
import { nameOf, type Source, sourceIdentity } from "../../services/video/source.ts";
import type { Candidate } from "./estimate.ts";
import type { Deployment } from "./replay.ts";

export type Wish = {
  bucket: string;
  prefix: string;
  segmentSeconds: number | undefined;
  cut: Cut | undefined;
  /** What the settings say, for objects that don't say otherwise. */
  usual: { segmentSeconds: number; cut: Cut };
  /** Of keys, in lower case: others are passed over. */
  extensions: readonly string[];
  /** Requests a second. */
  rate: number;
  dryRun: boolean;
};

/** How long an object is in seconds, if that can be told; undefined where it can't. */
export type Lengths = (object: StoredObject) => Promise<number | undefined>;

export type RequestOutcome = {
  /** Objects that were, or on a dry run would be, asked for. */
  requested: number;
  bytes: number;
  alreadySplit: number;
  /** Segments of this service's own. */
  ownOutput: number;
  otherExtensions: number;
  /** On a dry run: each video that would be asked for. */
  candidates: Candidate[];
};

/** Objects looked at together. */
const HEADS_AT_ONCE = 8;

/** The document of just this object, in just this version. */
async function documentOf(
  { documents, table }: Deployment,
  source: Source,
): Promise<{ status?: string; duration?: number } | undefined> {
  const VideoId = blockStart(sourceIdentity(source), 0, sha256);
  const { Item } = await documents.send(new GetCommand({ TableName: table, Key: { VideoId } }));
  return Item?.bucket === source.bucket && Item.key === source.key ? Item : undefined;
}

const requestFor = ({ source }: StoredObject, { segmentSeconds, cut }: Wish): VideoSplitEvent<"SplitRequested"> => {
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
      reason: "backfill",
    },
  };
};

/**
 * Asks for every video below a prefix that isn't split yet, so many a second. Safe to repeat: what was split since is passed
 * over, and what is being split is known to the service. A dry run only counts, and asks `lengths` how long each is.
 */
export async function requestSplits(
  deployment: Deployment & { s3: S3Client },
  wish: Wish,
  onObject: (key: string, what: "requested" | "already split") => void,
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
    candidates: [],
  };
  const publisher = eventBridgePublisher(events, bus);
  const store = s3MediaStore(s3);
  const limit = pLimit(HEADS_AT_ONCE);
  let due = Date.now();

  const consider = async (key: string) => {
    // Undefined where it was deleted since it was listed.
    const found = await store.describe(wish.bucket, key);
    if (found === undefined) return undefined;
    const document = await documentOf(deployment, found.source);
    const split = document?.status === "split";
    if (split || !wish.dryRun) return { found, split };
    return { found, split, seconds: document?.duration ?? (await lengths(found)) };
  };
  const candidateOf = ({ bytes, metadata }: StoredObject, seconds: number | undefined): Candidate => {
    const { overrides } = overridesOf(metadata);
    return {
      bytes,
      seconds,
      segmentSeconds: wish.segmentSeconds ?? overrides.segmentSeconds ?? wish.usual.segmentSeconds,
      cut: wish.cut ?? overrides.cut ?? wish.usual.cut,
    };
  };
  const request = async (candidate: StoredObject): Promise<void> => {
    const wait = due - Date.now();
    if (wait > 0) await sleep(wait, undefined, { signal });
    due = Math.max(due, Date.now()) + 1_000 / wish.rate;
    await publisher.publish(requestFor(candidate, wish));
  };

  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: wish.bucket, Prefix: wish.prefix });
  for await (const { Contents = [] } of pages) {
    const keys = Contents.flatMap(({ Key }) => (Key === undefined || Key.endsWith("/") ? [] : [Key]));
    const videos = keys.filter((key) => wish.extensions.includes(nameOf(key).extension));
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
        if (wish.dryRun) outcome.candidates.push(candidateOf(candidate, seconds));
        else await request(candidate);
        outcome.requested += 1;
        outcome.bytes += candidate.bytes;
        onObject(candidate.source.key, "requested");
      }
    }
  }
  return outcome;
}
