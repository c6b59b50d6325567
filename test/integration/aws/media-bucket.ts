import type { IncomingMessage, ServerResponse } from "node:http";
import {
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { openS3 } from "../../../infra/emulator/s3/index.ts";
import { s3MediaStore } from "../../../services/aws/media-store.ts";
import type { RetrySchedule } from "../../../services/aws/retrying-fetch.ts";
import { s3Uploads } from "../../../services/aws/uploads.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import type { OpenBucket, OpenBucketOf } from "../../ports/bucket.ts";

/** May answer a request in S3's place, by returning true. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Times so long that no read counts as stalled on a busy machine; pauses are short. */
export const LONG_RETRIES: RetrySchedule = { maxIdleMs: 20_000, giveUpMs: 60_000, backoffMs: 10 };

/** A bucket `media` of the test's own, and the store that reads it. */
export async function openBucket(fault: Fault = () => false, retrySchedule: RetrySchedule = LONG_RETRIES) {
  const s3 = await openS3({ directory: await temporaryFolder(), region: REGION, onObjectCreated: async () => {} });
  await s3.createBucket("media");
  const endpoint = await serve((request, response) => {
    if (!fault(request, response)) s3.handle(request, response);
  });
  const client = new S3Client({ endpoint, region: REGION, credentials: CREDENTIALS });
  const put = (Key: string, Body: string | Uint8Array, more: Partial<PutObjectCommandInput> = {}) =>
    client.send(new PutObjectCommand({ Bucket: "media", Key, Body, ...more }));
  return { client, put, store: s3MediaStore(client, retrySchedule) };
}

/** A bucket for the contracts of the ports. */
export const openContractBucket = async ({ isVersioned }: Parameters<OpenBucketOf>[0]) => {
  const forbidden = new Set<string>();
  const { client, store, put } = await openBucket(({ url = "" }, response) => {
    if (!forbidden.has(new URL(url, "http://s3").pathname)) return false;
    response.writeHead(403).end("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
    return true;
  });
  if (isVersioned) {
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: "media", VersioningConfiguration }));
  }
  return {
    bucket: "media",
    client,
    store,
    uploads: s3Uploads(client),
    put: async (key, content, { metadata, storageClass } = {}) =>
      void (await put(key, content, { Metadata: metadata, StorageClass: storageClass })),
    remove: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket: "media", Key: key }))),
    forbid: (key) => void forbidden.add(`/media/${key}`),
  } satisfies OpenBucket & { client: S3Client };
};

export const readAll = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(chunks, (chunk) => Buffer.from(chunk)));
