import type { EventBridgeClient, PutEventsCommandOutput } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { TakeUsage } from "../split/ports/usage.ts";
import { NO_USAGE, type Usage } from "../video/usage.ts";

/** What a client is about to send. */
type Sent = { method: string; headers: Record<string, string> };

/** After the SDK's own retries, so that each attempt is counted. */
const EACH_ATTEMPT = { step: "finalizeRequest", priority: "low", name: "usageMeter" } as const;

/** Operations of DynamoDB that read, by the end of their `x-amz-target`. */
const READS = /\.(?:GetItem|BatchGetItem|Query|Scan)$/;

const MEGABYTES_PER_GB = 1_024;

/** The clients of an execution environment, which handles one invocation at a time. */
type Clients = { s3: S3Client; tables: DynamoDBDocumentClient; events: EventBridgeClient };

/** Counts what the clients send, as AWS bills it. */
export type UsageMeter = {
  /** Counts bytes that S3 sent. */
  received(bytes: number): void;
  /** Begins to count for an invocation with this memory. */
  begin(memoryMB: number): TakeUsage;
};

function countS3({ method, headers }: Sent, counts: Usage): void {
  if (method === "GET" || method === "HEAD") counts.s3Reads += 1;
  else if (method === "PUT" || method === "POST") counts.s3Writes += 1;
  if (method === "PUT")
    counts.bytesWritten += Number(headers["x-amz-decoded-content-length"] ?? headers["content-length"] ?? 0);
}

function countTables({ headers }: Sent, counts: Usage): void {
  if (READS.test(headers["x-amz-target"] ?? "")) counts.dynamoReads += 1;
  else counts.dynamoWrites += 1;
}

/** A meter of these clients. */
export function usageMeter({ s3, tables, events }: Clients): UsageMeter {
  let counts = { ...NO_USAGE };
  s3.middlewareStack.add(
    (next) => (args) => {
      countS3(args.request as Sent, counts);
      return next(args);
    },
    EACH_ATTEMPT,
  );
  tables.middlewareStack.add(
    (next) => (args) => {
      countTables(args.request as Sent, counts);
      return next(args);
    },
    EACH_ATTEMPT,
  );
  events.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { Entries = [] } = result.output as PutEventsCommandOutput;
      counts.events += Entries.filter(({ EventId }) => EventId !== undefined).length;
      return result;
    },
    EACH_ATTEMPT,
  );
  return {
    received: (bytes) => {
      counts.bytesRead += bytes;
    },
    begin: (memoryMB) => {
      counts = { ...NO_USAGE, invocations: 1 };
      let since = performance.now();
      return () => {
        const now = performance.now();
        const gbSeconds = ((now - since) / 1_000) * (memoryMB / MEGABYTES_PER_GB);
        const taken = { ...counts, gbSeconds };
        counts = { ...NO_USAGE };
        since = now;
        return taken;
      };
    },
  };
}
