import type { Cost } from "#events-schema";

/** What work uses of AWS, in the units in which it's billed. */
export type Usage = {
  /** Of the split function. */
  invocations: number;
  /** Of its memory: GB (2^30 bytes) times seconds. */
  gbSeconds: number;
  /** Bytes received from S3, and sent to it. */
  bytesRead: number;
  bytesWritten: number;
  /** Requests: GET and HEAD; PUT and POST. */
  s3Reads: number;
  s3Writes: number;
  dynamoReads: number;
  dynamoWrites: number;
  /** Events that the bus accepted. */
  events: number;
};

export const NO_USAGE: Usage = {
  ...{ invocations: 0, gbSeconds: 0, bytesRead: 0, bytesWritten: 0, s3Reads: 0, s3Writes: 0 },
  ...{ dynamoReads: 0, dynamoWrites: 0, events: 0 },
};

const MILLI = 1_000;

/** As `VideoSplit.cost` has it. GB-seconds have three decimals. */
export const costOf = (usage: Usage): Cost => ({
  invocations: usage.invocations,
  gb_seconds: Math.round(usage.gbSeconds * MILLI) / MILLI,
  bytes_read: usage.bytesRead,
  bytes_written: usage.bytesWritten,
  s3_reads: usage.s3Reads,
  s3_writes: usage.s3Writes,
  dynamodb_reads: usage.dynamoReads,
  dynamodb_writes: usage.dynamoWrites,
  events: usage.events,
});
