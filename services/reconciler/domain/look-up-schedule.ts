/** Times from which the ages of an upload are computed, in seconds. */
export type Waits = {
  /** How long a split may take. */
  graceSeconds: number;
  /** How long an event may wait for the split function, at most. */
  eventSeconds: number;
};

/**
 * Look-ups of an upload's first day. The later ones are for uploads that took days: S3 lists a
 * multipart upload with the time at which it was begun.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
const FIRST_LOOKUPS = 3;

/**
 * A multipart upload may take a week: the lifecycle rule of the upload bucket ends those that take
 * longer.
 */
const MAX_UPLOADING_SECONDS = 7 * 86_400;

/**
 * As long as dead letters are kept: an upload whose last look-up was missed by more is ignored.
 */
const MAX_LATE_SECONDS = 14 * 86_400;

/**
 * The ages, in seconds and ascending, at which an upload is looked up. From one to the next, an
 * event that waits for the split function is delivered or dropped, and its split has had the grace
 * period.
 */
export function lookUpAges({ graceSeconds, eventSeconds }: Waits): readonly number[] {
  const wait = graceSeconds + eventSeconds;
  return [graceSeconds, graceSeconds + wait, 3 * wait, MAX_UPLOADING_SECONDS + wait, MAX_UPLOADING_SECONDS + 3 * wait];
}

/**
 * The time between the beginnings of two passes, in epoch seconds: after `previous`, up to `asOf`.
 */
export type Span = { previous: number; asOf: number };

/**
 * The last of the ages that an upload reached within this time, as an index from 0. Undefined where
 * it reached none: then it isn't looked up.
 */
export function ageReached(uploadedAt: number, ages: readonly number[], { previous, asOf }: Span): number | undefined {
  const oldest = asOf - MAX_LATE_SECONDS - (ages.at(-1) ?? 0);
  if (uploadedAt < oldest) return undefined;
  const reached = ages.findLastIndex((age) => previous < uploadedAt + age && uploadedAt + age <= asOf);
  return reached === -1 ? undefined : reached;
}

/** What is known of an upload that isn't split or rejected. Times are epoch seconds. */
export type Unfinished = {
  /** Which of the ages it reached, from 0. */
  reached: number;
  /** Whether its event may still wait for the split function. */
  mayWait: boolean;
  requests: number;
  /** Undefined where it was never requested. */
  lastRequestAt: number | undefined;
  /** When an invocation last left segments to the next one; undefined: never. */
  progressAt: number | undefined;
};

/**
 * From the ledger's creation, the last seconds in which S3 may not send events yet: about five
 * minutes after the bucket's EventBridge notifications are turned on, which is some minutes later
 * in a deployment.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html
 */
const WITHOUT_EVENTS_SECONDS = 30 * 60;

/**
 * Whether S3 may have sent no event for an upload, because it came soon after the ledger was
 * created at `createdAt`.
 */
export const isBeforeEvents = (uploadedAt: number, createdAt: number): boolean =>
  uploadedAt < createdAt + WITHOUT_EVENTS_SECONDS;

export type Decision = "wait" | "request" | "give up";

/**
 * What to do for an upload that isn't split or rejected. One whose event may wait isn't requested
 * at first. It is rejected only if it was requested long enough ago, and if no sequence of
 * invocations is making its segments.
 */
export function decide(
  { reached, mayWait, requests, lastRequestAt, progressAt }: Unfinished,
  { graceSeconds, eventSeconds }: Waits,
  asOf: number,
): Decision {
  if (reached === 0 && mayWait) return "wait";
  // The event for the next invocation may wait for the split function, too.
  if (progressAt !== undefined && asOf < progressAt + graceSeconds + eventSeconds) return "wait";
  const decision = requests > 0 && reached + 1 >= FIRST_LOOKUPS ? "give up" : "request";
  const wait = decision === "give up" ? graceSeconds + eventSeconds : graceSeconds;
  // The pass was late, or its page is repeated, so the last request is recent.
  return lastRequestAt !== undefined && asOf < lastRequestAt + wait ? "wait" : decision;
}
