import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** For reads and uploads together; more requests would only wait. */
const MAX_SOCKETS = 32;

/**
 * A request must not hang on a dead connection. These are idle times, not the time of a whole
 * transfer.
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
