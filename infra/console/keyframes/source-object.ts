import { addAbortSignal, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Source } from "../api/documents.ts";

/** The object that was uploaded. */
export type SourceObject = {
  /** Its size. */
  bytes: number;
  /** Seconds from its first video frame up to which it's split. */
  duration: number;
  /** Bytes from `start` to before `end`. Throws S3's errors, and when the object was replaced. */
  read(start: number, end: number, signal: AbortSignal): Promise<Uint8Array>;
};

/** Reads ranges of a source from S3. */
export const sourceObject = (s3: S3Client, { bucket, key, bytes, etag, duration }: Source): SourceObject => ({
  bytes,
  duration: duration ?? Number.POSITIVE_INFINITY,
  read: async (start, end, signal) => {
    const get = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      Range: `bytes=${start}-${end - 1}`,
      IfMatch: etag === undefined ? undefined : `"${etag}"`,
    });
    const { Body } = await s3.send(get, { abortSignal: signal });
    return buffer(addAbortSignal(signal, Body as Readable));
  },
});
