import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { SegmentStore } from "../poster/ports/segment-store.ts";
import { describeObject } from "./describe-object.ts";
import { readRanges } from "./ranged-read.ts";
import { RETRY_SCHEDULE, type RetrySchedule } from "./retrying-fetch.ts";

/**
 * The segments' bucket on S3. Throws `SourceUnavailableError` and `SourceFetchError` for what can't
 * be read, and the SDK's errors for a picture that can't be written. `retrySchedule` is shorter in
 * tests.
 */
export const s3SegmentStore = (client: S3Client, retrySchedule: RetrySchedule = RETRY_SCHEDULE): SegmentStore => ({
  find: async (bucket, key, signal) => {
    const found = await describeObject(client, { bucket, key, versionId: undefined }, signal, retrySchedule);
    if (found === undefined) return undefined;
    if (found.unavailable !== undefined) throw found.unavailable;
    const { source, bytes } = found;
    return {
      bytes,
      read: (start, end, ending) =>
        readRanges(client, source, { start, end }, ending, { retrySchedule, onReceived: () => {} }),
    };
  },
  writePicture: async (bucket, key, jpeg, signal) => {
    const picture = {
      Bucket: bucket,
      Key: key,
      Body: jpeg,
      ContentType: "image/jpeg",
      ChecksumAlgorithm: "CRC32",
    } as const;
    await client.send(new PutObjectCommand(picture), { abortSignal: signal });
  },
});
