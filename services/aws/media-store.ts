import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { MediaStore, SegmentUpload } from "../split/ports/media-store.ts";
import { describeObject } from "./describe-object.ts";
import { PATIENCE, type Patience } from "./patient-fetch.ts";
import { readRanges } from "./ranged-read.ts";

/**
 * Parts of one upload in memory at the same time, and their size: what an upload holds of Node's
 * memory.
 */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

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
  // A part at a time is in memory, so a part that fails is sent again by the SDK; small segments
  // are one plain PUT.
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

/**
 * The media store on S3. Uploads throw the SDK's errors, which are all worth a retry. `patience` is
 * shorter in tests.
 */
export const s3MediaStore = (client: S3Client, patience: Patience = PATIENCE): MediaStore => ({
  describe: (bucket, key, versionId, signal) => describeObject(client, { bucket, key, versionId }, signal, patience),
  read: (source, start, end, signal) => readRanges(client, source, start, end, signal, patience),
  upload: (segment) => upload(client, segment),
});
