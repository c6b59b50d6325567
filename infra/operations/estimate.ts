import type { Cut } from "#events-schema";
import { MIN_TAIL_SECONDS } from "../../services/video/segment-length.ts";
import type { Usage } from "../../services/video/usage.ts";

/** A video that would be split. */
export type Candidate = {
  bytes: number;
  /** Duration in seconds; undefined where its header has none. */
  seconds: number | undefined;
  segmentSeconds: number;
  cut: Cut;
};

/** Dollars, once. */
export type Cost = { lambda: number; s3: number; eventBridge: number; dynamoDB: number };

export type Estimate = {
  videos: number;
  /** How many of these have a duration in their header. */
  known: number;
  /**
   * Duration of all videos. For those without one, it's estimated from the others' bytes per
   * second. Undefined if none has a duration.
   */
  seconds: number | undefined;
  segments: number | undefined;
  cost: Cost | undefined;
  /** Dollars a month for the segments. */
  storage: number;
};

/**
 * Approximate list prices of us-east-1 in dollars, November 2026, not looked up:
 * https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/s3/pricing/
 * https://aws.amazon.com/eventbridge/pricing/ https://aws.amazon.com/dynamodb/pricing/on-demand/
 */
const PRICES = {
  lambdaGbSecond: { arm64: 0.0000133334, x86_64: 0.0000166667 },
  lambdaRequest: 0.2 / 1e6,
  s3Put: 0.005 / 1e3,
  s3Get: 0.0004 / 1e3,
  s3GbMonth: 0.023,
  /** An event, and once more into the archive. */
  event: 2 / 1e6,
  dynamoWrite: 0.625 / 1e6,
  dynamoRead: 0.125 / 1e6,
} as const;

/**
 * As docs/deploy.md assumes: 80 MB/s in and 80 MB/s out, which overlap in part. Never measured on
 * AWS.
 */
const COPIED_BYTES_A_SECOND = 40e6;

/**
 * Around each boundary `exact` encodes about a group of pictures: seconds of work on the function's
 * one vCPU, at 1080p.
 */
const WORK_A_BOUNDARY_SECONDS = 2;

/** Cold start, probing, the last upload. Seconds. */
const WORK_A_VIDEO_SECONDS = 2;

/** A poster, with the part of a cold start: seconds of a function with the split function's memory. */
const WORK_A_POSTER_SECONDS = 1;

/** Of a poster: the segment's HEAD and what is read of it. */
const S3_READS_A_POSTER = 3;

/** An event in the projector: 20 ms of a quarter of a GB. */
const PROJECTION_GB_SECONDS = 0.02 * 0.25;

/** As services/aws reads and uploads. */
const RANGE_BYTES = 8 * 1024 * 1024;

/** SplitPlanned and VideoSplit. */
const EVENTS_A_VIDEO = 2;

/** S3's own event, which is billed as a custom one and not archived. */
const S3_EVENT = 1 / 1e6;

/**
 * Of the ledger, for each video: claim, choice, what was used, the cost, ending and what Powertools
 * writes.
 */
const LEDGER_WRITES_A_VIDEO = 8;

/** Of the ledger for each segment: uploaded, announced. */
const LEDGER_WRITES_A_SEGMENT = 2;

const GB = 1e9;

/** How many segments a video of so many seconds gives. */
export const segmentsOf = (seconds: number, segmentSeconds: number): number =>
  Math.max(1, Math.ceil((seconds - MIN_TAIL_SECONDS) / segmentSeconds));

/** Requests for putting an object: one where it's small, else its parts, a beginning and an end. */
const putsOf = (bytes: number): number => (bytes <= RANGE_BYTES ? 1 : Math.ceil(bytes / RANGE_BYTES) + 2);

export type Function = { memoryMB: number; architecture: "arm64" | "x86_64" };

/** The functions that work for a video. */
export type Functions = {
  split: Function;
  /** Whether each segment gets a poster. */
  posters: boolean;
};

/** What is estimated to be used for a video. */
function usageOf({ bytes, cut }: Candidate, segments: number, { split, posters: hasPosters }: Functions): Usage {
  const boundaries = cut === "exact" ? segments - 1 : 0;
  const posters = hasPosters ? segments : 0;
  const splitting = WORK_A_VIDEO_SECONDS + bytes / COPIED_BYTES_A_SECOND + boundaries * WORK_A_BOUNDARY_SECONDS;
  return {
    invocations: 1 + posters,
    gbSeconds: (splitting + posters * WORK_A_POSTER_SECONDS) * (split.memoryMB / 1_024),
    ...{ bytesRead: bytes, bytesWritten: bytes },
    s3Reads: Math.ceil(bytes / RANGE_BYTES) + posters * S3_READS_A_POSTER,
    s3Writes: segments * putsOf(bytes / segments) + posters,
    dynamoReads: LEDGER_WRITES_A_VIDEO,
    dynamoWrites: LEDGER_WRITES_A_VIDEO + segments * LEDGER_WRITES_A_SEGMENT,
    events: segments + EVENTS_A_VIDEO + posters,
  };
}

/**
 * The price of what was used for a video, with that of bringing its events into the documents. Bytes
 * are free between S3 and a function of the same region.
 */
export function priceOf(usage: Usage, architecture: Function["architecture"]): Cost {
  const { invocations, gbSeconds, s3Reads, s3Writes, dynamoReads, dynamoWrites, events } = usage;
  const lambda = (gbSeconds + events * PROJECTION_GB_SECONDS) * PRICES.lambdaGbSecond[architecture];
  return {
    lambda: lambda + (invocations + events) * PRICES.lambdaRequest,
    s3: s3Reads * PRICES.s3Get + s3Writes * PRICES.s3Put,
    eventBridge: events * PRICES.event + S3_EVENT,
    dynamoDB: (dynamoWrites + events) * PRICES.dynamoWrite + (dynamoReads + events) * PRICES.dynamoRead,
  };
}

const NOTHING: Cost = { lambda: 0, s3: 0, eventBridge: 0, dynamoDB: 0 };

const sum = (one: Cost, other: Cost): Cost => ({
  lambda: one.lambda + other.lambda,
  s3: one.s3 + other.s3,
  eventBridge: one.eventBridge + other.eventBridge,
  dynamoDB: one.dynamoDB + other.dynamoDB,
});

/** Estimates segments and cost of splitting these videos. */
export function estimate(candidates: readonly Candidate[], functions: Functions): Estimate {
  const known = candidates.filter(({ seconds }) => seconds !== undefined);
  const knownSeconds = known.reduce((all, { seconds = 0 }) => all + seconds, 0);
  const bytesOf = (videos: readonly Candidate[]) => videos.reduce((all, { bytes }) => all + bytes, 0);
  const storage = (bytesOf(candidates) / GB) * PRICES.s3GbMonth;
  const common = { videos: candidates.length, known: known.length, storage };
  if (known.length === 0 && candidates.length > 0)
    return { ...common, seconds: undefined, segments: undefined, cost: undefined };
  const secondsAByte = knownSeconds / bytesOf(known);
  let [seconds, segments, cost] = [0, 0, NOTHING];
  for (const candidate of candidates) {
    const length = candidate.seconds ?? candidate.bytes * secondsAByte;
    const count = segmentsOf(length, candidate.segmentSeconds);
    seconds += length;
    segments += count;
    cost = sum(cost, priceOf(usageOf(candidate, count, functions), functions.split.architecture));
  }
  return { ...common, seconds, segments, cost };
}
