import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** Reads and uploads together; more would only queue. */
const MAX_SOCKETS = 32;

/**
 * No request may hang on a dead connection: these are idle times, not times of a whole transfer.
 */
const CONNECT_MS = 5_000;
const IDLE_MS = 60_000;

/**
 * One client for all of an execution environment. Endpoint, region and credentials come the SDK's
 * own way.
 */
export const s3Client = (): S3Client =>
  new S3Client({
    maxAttempts: 5,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      httpsAgent: { maxSockets: MAX_SOCKETS, keepAlive: true },
      httpAgent: { maxSockets: MAX_SOCKETS, keepAlive: true },
    }),
  });
