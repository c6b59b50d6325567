import { patternOf } from "#events-schema";
import { RUN_EVERY_MINUTES } from "../services/reconciler/domain/passes.ts";
import { maxConcurrentRanges, outputKeyRoot, type Settings } from "./settings.ts";
import type { BucketId, BucketSpec, Names, Retry, Rule, TableId, TableSpec, Topology } from "./topology-types.ts";

export type * from "./topology-types.ts";

/** Sparse: only segments have `segment_index`, so it lists a video's segments in order. */
export const SEGMENTS_INDEX = "segments-of-video";

/** Whether a bucket's "Object Created" events go to the default bus. */
export const BUCKETS: Record<BucketId, BucketSpec> = {
  uploads: { eventBridge: true },
  segments: { eventBridge: false },
};

export const TABLES: Record<TableId, TableSpec> = {
  videos: {
    key: { name: "VideoId", type: "number" },
    indexes: {
      [SEGMENTS_INDEX]: {
        hash: { name: "parent_video", type: "number" },
        range: { name: "segment_index", type: "number" },
      },
    },
  },
  ledger: { key: { name: "id", type: "string" }, indexes: {}, ttl: "expiration" },
};

/**
 * One rule for all uploads, by their prefix only: EventBridge can't match a prefix and a suffix of
 * one field, and allows 30 rules with wildcards on a bus. The function looks at the extension. See
 * docs/decisions/upload-rule.md.
 */
const uploadRule = <Name>(prefix: string, names: Names<Name>): Rule => ({
  name: "uploaded",
  description: "An object was created below the upload prefix.",
  bus: "default",
  pattern: {
    source: ["aws.s3"],
    "detail-type": ["Object Created"],
    detail: {
      bucket: { name: [names.uploads] },
      ...(prefix === "" ? {} : { object: { key: [{ prefix }] } }),
    },
  },
  target: "split",
  isEnabled: true,
  retry: DELIVERY_RETRY,
  deadLetters: "splitRuleDeadLetters",
});

/** Few retries: the next run does the work of a missed one. */
const SCHEDULE_RETRY: Retry = { attempts: 2, maxAgeSeconds: 900 };

/** EventBridge's own default: a day, with growing pauses. */
export const DELIVERY_RETRY: Retry = { attempts: 185, maxAgeSeconds: 86_400 };
/** Lambda's maximum for an asynchronous invocation; throttled ones are kept as long. */
export const FUNCTION_RETRY: Retry = { attempts: 2, maxAgeSeconds: 21_600 };

/**
 * What the service consists of, as plain data: the local stack and the SST components are both
 * built from this and from nothing else. `functionRetry` is for tests, which can't wait for hours.
 */
export function topology<Name>(
  settings: Settings,
  names: Names<Name>,
  functionRetry: Retry = FUNCTION_RETRY,
): Topology<Name> {
  const everyFunction = {
    architecture: settings["video_split.architecture"],
    concurrency: settings["video_split.concurrency"] ?? undefined,
    retry: functionRetry,
    logRetentionDays: settings["video_split.log_retention_days"],
  };
  return {
    buckets: {
      uploads: { ...BUCKETS.uploads, name: names.uploads },
      segments: { ...BUCKETS.segments, name: names.segments },
    },
    buses: { default: { name: "default" }, video: { name: names.bus } },
    archive: { name: names.archive, bus: "video", retentionDays: 0 },
    tables: {
      videos: { ...TABLES.videos, name: names.videos },
      ledger: { ...TABLES.ledger, name: names.ledger },
    },
    functions: {
      split: {
        ...everyFunction,
        handler: "services/split/handler.handler",
        description: "Splits an uploaded video into segments and announces each one.",
        // Lambda's maximum. A video that needs more is cut as ranges by many invocations.
        timeoutSeconds: 900,
        memoryMB: settings["video_split.memory_mb"],
        // Up to three segments or 256 MB are in progress; long segments of a high bit rate need the
        // rest.
        storageMB: settings["video_split.storage_mb"],
        programs: ["ffmpeg", "ffprobe"],
        failures: "splitFailures",
        environment: {
          VIDEO_SPLIT_OUTPUT_BUCKET: names.segments,
          VIDEO_SPLIT_OUTPUT_KEY_PREFIX: settings["video_split.output_key_prefix"],
          VIDEO_SPLIT_OUTPUT_KEY_ROOT: outputKeyRoot(settings),
          VIDEO_SPLIT_OUTPUT_FILES_DURATION_IN_SEC: String(settings["video_split.output_files_duration_in_sec"]),
          VIDEO_SPLIT_UPLOAD_BUCKET: names.uploads,
          VIDEO_SPLIT_UPLOAD_KEY_PREFIX: settings["video_split.upload_key_prefix"],
          VIDEO_SPLIT_ACCEPTED_EXTENSIONS: settings["video_split.accepted_extensions"].join(","),
          VIDEO_SPLIT_CUT: settings["video_split.cut"],
          VIDEO_SPLIT_EXACT_BOUNDARY: settings["video_split.exact_boundary"],
          VIDEO_SPLIT_LARGEST_OBJECT_BYTES: String(settings["video_split.largest_object_bytes"]),
          VIDEO_SPLIT_MAX_CONCURRENT_RANGES: String(maxConcurrentRanges(settings)),
          VIDEO_SPLIT_EVENT_BUS: names.bus,
          VIDEO_SPLIT_LEDGER_TABLE: names.ledger,
          DYNAMODB_REGION: settings["dynamodb.region"],
          POWERTOOLS_METRICS_NAMESPACE: names.metrics,
        },
      },
      projector: {
        ...everyFunction,
        handler: "services/projector/handler.handler",
        description: "Turns events into video documents.",
        // A write takes milliseconds; the rest is for the SDK's retries of throttled ones.
        timeoutSeconds: 30,
        // One event is one small write; more memory only makes the cold start shorter.
        memoryMB: 256,
        // Lambda's minimum; nothing is written there.
        storageMB: 512,
        programs: [],
        failures: "projectorFailures",
        environment: {
          DYNAMODB_TABLE_ID: names.videos,
          DYNAMODB_REGION: settings["dynamodb.region"],
          POWERTOOLS_METRICS_NAMESPACE: names.metrics,
        },
      },
      poster: {
        ...everyFunction,
        handler: "services/poster/handler.handler",
        description: "Makes a picture of each segment.",
        // Mostly a second; a long segment that begins in the dark is decoded for half a minute.
        timeoutSeconds: 120,
        // What was enough to decode the video is enough to decode its segments.
        memoryMB: settings["video_split.memory_mb"],
        // Lambda's minimum; nothing is written there.
        storageMB: 512,
        programs: ["ffmpeg"],
        failures: "posterFailures",
        environment: {
          VIDEO_SPLIT_EVENT_BUS: names.bus,
          POWERTOOLS_METRICS_NAMESPACE: names.metrics,
        },
      },
      reconciler: {
        ...everyFunction,
        handler: "services/reconciler/handler.handler",
        description: "Finds uploads that did not finish, and requests them again.",
        // Some hundred pages of a thousand uploads; the next run continues where this one ends.
        timeoutSeconds: 300,
        memoryMB: 256,
        storageMB: 512,
        programs: [],
        // One at a time by its lease in the ledger: an account may be too new to reserve any
        // concurrency.
        concurrency: undefined,
        failures: "reconcilerFailures",
        clears: "splitFailures",
        environment: {
          VIDEO_SPLIT_UPLOAD_BUCKET: names.uploads,
          VIDEO_SPLIT_UPLOAD_BUCKET_IS_ATTACHED: String(settings["video_split.upload_bucket"] !== null),
          VIDEO_SPLIT_UPLOAD_KEY_PREFIX: settings["video_split.upload_key_prefix"],
          VIDEO_SPLIT_ACCEPTED_EXTENSIONS: settings["video_split.accepted_extensions"].join(","),
          VIDEO_SPLIT_RECONCILE_AFTER_SEC: String(settings["video_split.reconcile_after_sec"]),
          VIDEO_SPLIT_EVENT_AGE_SEC: String(functionRetry.maxAgeSeconds),
          VIDEO_SPLIT_EVENT_BUS: names.bus,
          VIDEO_SPLIT_LEDGER_TABLE: names.ledger,
          DYNAMODB_REGION: settings["dynamodb.region"],
          POWERTOOLS_METRICS_NAMESPACE: names.metrics,
        },
      },
    },
    queues: {
      reconcilerRuleDeadLetters: { retentionDays: 14 },
      reconcilerFailures: { retentionDays: 14 },
      splitRuleDeadLetters: { retentionDays: 14 },
      splitFailures: { retentionDays: 14 },
      projectorRuleDeadLetters: { retentionDays: 14 },
      projectorFailures: { retentionDays: 14 },
      posterRuleDeadLetters: { retentionDays: 14 },
      posterFailures: { retentionDays: 14 },
    },
    rules: [
      uploadRule(settings["video_split.upload_key_prefix"], names),
      {
        name: "split-requested",
        description: "Requests to split an existing object, and what an invocation had no time for.",
        bus: "video",
        pattern: patternOf("SplitRequested", "SegmentRangeRequested"),
        target: "split",
        isEnabled: true,
        retry: DELIVERY_RETRY,
        deadLetters: "splitRuleDeadLetters",
      },
      {
        name: "project-video-documents",
        description: "Events that change a video document.",
        bus: "video",
        pattern: patternOf("SplitPlanned", "SegmentCreated", "PosterCreated", "VideoSplit", "VideoRejected"),
        target: "projector",
        isEnabled: true,
        retry: DELIVERY_RETRY,
        deadLetters: "projectorRuleDeadLetters",
      },
      {
        name: "make-posters",
        description: "Segments that get a picture.",
        bus: "video",
        pattern: patternOf("SegmentCreated"),
        target: "poster",
        isEnabled: settings["poster.enabled"],
        retry: DELIVERY_RETRY,
        deadLetters: "posterRuleDeadLetters",
      },
    ],
    schedules: [
      {
        name: "reconcile",
        description: "Looks for uploads that did not finish.",
        everyMinutes: RUN_EVERY_MINUTES,
        target: "reconciler",
        retry: SCHEDULE_RETRY,
        deadLetters: "reconcilerRuleDeadLetters",
      },
    ],
  };
}
