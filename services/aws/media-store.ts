import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { AbortMultipartUploadCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { MediaStore, SegmentUpload } from "../split/ports/media-store.ts";
import { describeObject } from "./describe-object.ts";
import { type OnReceived, readRanges } from "./ranged-read.ts";
import { RETRY_SCHEDULE, type RetrySchedule } from "./retrying-fetch.ts";

/**
 * Parts of one upload in memory at the same time, and their size: together, the memory that an
 * upload uses.
 */
const PART_BYTES = 8 * 1024 * 1024;
const MAX_CONCURRENT_PARTS = 2;

/** Less than the time that an aborted invocation has left. */
const MAX_CLEAN_UP_MS = 2_000;

/** SHA-256 of a file, as `sha256:` and hexadecimal digits: what `sha256sum` prints. */
async function checksumOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest("hex")}`;
}

/**
 * A client whose requests end when `signal` is aborted, except the one that removes the parts of a
 * failed upload. lib-storage itself doesn't abort running requests.
 */
const abortable = (client: S3Client, signal: AbortSignal): S3Client =>
  Object.create(client, {
    send: {
      value: (command: Parameters<S3Client["send"]>[0]) => {
        const isCleanUp = command instanceof AbortMultipartUploadCommand;
        return client.send(command, { abortSignal: isCleanUp ? AbortSignal.timeout(MAX_CLEAN_UP_MS) : signal });
      },
    },
  });

async function upload(
  client: S3Client,
  { path, bucket, key, contentType, metadata, signal }: SegmentUpload,
): Promise<string> {
  signal.throwIfAborted();
  const checksum = await checksumOf(path);
  const file = createReadStream(path);
  // Parts are buffers in memory, so the SDK can retry them. Small segments are one plain PUT.
  const sending = new Upload({
    client: abortable(client, signal),
    partSize: PART_BYTES,
    queueSize: MAX_CONCURRENT_PARTS,
    params: {
      Bucket: bucket,
      Key: key,
      Body: file,
      ContentType: contentType,
      Metadata: { ...metadata, checksum },
      ChecksumAlgorithm: "CRC32",
    },
  });
  try {
    await sending.done();
    return checksum;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    file.destroy();
  }
}

/**
 * The media store on S3. Uploads throw the SDK's errors, which are all worth a retry.
 * `retrySchedule` is shorter in tests. `onReceived` is called with the number of bytes of each
 * chunk of a source that S3 sends.
 */
export const s3MediaStore = (
  client: S3Client,
  retrySchedule: RetrySchedule = RETRY_SCHEDULE,
  onReceived: OnReceived = () => {},
): MediaStore => ({
  describe: (bucket, key, versionId, signal) =>
    describeObject(client, { bucket, key, versionId }, signal, retrySchedule),
  read: (source, start, end, signal) =>
    readRanges(client, source, { start, end }, signal, { retrySchedule, onReceived }),
  upload: (segment) => upload(client, segment),
});
