import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { MediaStore, SegmentUpload } from "../split/ports/media-store.ts";
import { SourceUnavailableError } from "../video/errors.ts";
import type { StoredObject } from "../video/ports/stored-objects.ts";
import { readRanges } from "./ranged-read.ts";

/** Parts of one upload in memory at the same time, and their size: what an upload holds of Node's memory. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

const withoutQuotes = (etag: string | undefined): string => (etag ?? "").replace(/^"|"$/g, "");

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** S3 answers 404 for what isn't there and 405 for a delete marker. */
const isAbsent = (error: unknown): boolean => [404, 405].includes(statusOf(error) ?? 0);

async function describe(
  client: S3Client,
  bucket: string,
  key: string,
  versionId?: string,
): Promise<StoredObject | undefined> {
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    return {
      source: { bucket, key, etag: withoutQuotes(head.ETag), versionId: head.VersionId },
      bytes: head.ContentLength ?? 0,
      metadata: head.Metadata ?? {},
    };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (statusOf(error) === 403) {
      throw new SourceUnavailableError("SourceForbidden", `S3 doesn't let this service read s3://${bucket}/${key}`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** SHA-256 of a file, as `sha256:` and hexadecimal digits: what `sha256sum` prints. */
async function checksumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest("hex")}`;
}

async function upload(
  client: S3Client,
  { path, bucket, key, contentType, metadata, signal }: SegmentUpload,
): Promise<string> {
  const checksum = await checksumOf(path);
  // A part at a time is in memory, so a part that fails is sent again by the SDK; small segments are one plain PUT.
  const sending = new Upload({
    client,
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
    params: {
      Bucket: bucket,
      Key: key,
      Body: createReadStream(path),
      ContentType: contentType,
      Metadata: { ...metadata, checksum },
      ChecksumAlgorithm: "CRC32",
    },
  });
  const abort = () => void sending.abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    await sending.done();
    return checksum;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The media store on S3. Throws the SDK's errors, which are all worth a retry. */
export const s3MediaStore = (client: S3Client): MediaStore => ({
  describe: (bucket, key, versionId) => describe(client, bucket, key, versionId),
  read: (source, start, end, signal) => readRanges(client, source, start, end, signal),
  upload: (segment) => upload(client, segment),
});
