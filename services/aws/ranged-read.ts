import { Readable } from "node:stream";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Source } from "../video/source.ts";
import { isKeyForbidden } from "./describe-object.ts";
import { oneAttempt } from "./one-attempt.ts";
import { fetchWithRetries, type RetrySchedule } from "./retrying-fetch.ts";
import { faultOf, unavailable, uriOf } from "./source-faults.ts";

/**
 * The largest range. A shorter read is one GET. AWS advises 8
 * to 16 MB a request for throughput.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
 */
const MAX_RANGE_BYTES = 8 * 1024 * 1024;

/** Maximum ranges of 8 MB that one read has in memory: being fetched, waiting or being read. */
const PARALLEL_RANGES = 3;

/** Bytes, both included. */
type Range = { start: number; end: number };

/** Called with the number of bytes of each chunk that S3 sends, also where they're sent again. */
export type OnReceived = (bytes: number) => void;

export type ReadOptions = { retrySchedule: RetrySchedule; onReceived: OnReceived };

function* rangesOf({ start, end }: Range): Generator<Range> {
  for (let from = start; from <= end; from += MAX_RANGE_BYTES)
    yield { start: from, end: Math.min(from + MAX_RANGE_BYTES - 1, end) };
}

/** Why the object can't be read, from a GET's error; the error itself where it may be transient. */
async function refusalOf(client: S3Client, source: Source, error: unknown, signal: AbortSignal): Promise<unknown> {
  const fault = faultOf(error, source);
  if (fault?.reason !== "SourceForbidden" || !(await isKeyForbidden(client, source, signal))) return fault ?? error;
  return unavailable("SourceKeyForbidden", source, "S3 denies the GET, and allows a HEAD", { cause: error });
}

async function openRange(client: S3Client, source: Source, { start, end }: Range, abortSignal: AbortSignal) {
  const get = new GetObjectCommand({
    Bucket: source.bucket,
    Key: source.key,
    VersionId: source.versionId,
    IfMatch: `"${source.etag}"`,
    Range: `bytes=${start}-${end}`,
  });
  try {
    const { Body } = await client.send(oneAttempt(get), { abortSignal });
    if (!(Body instanceof Readable)) throw new Error("S3 answered without a body");
    return Body;
  } catch (error) {
    throw await refusalOf(client, source, error, abortSignal);
  }
}

/** Fetches a range. An attempt continues where the one before it ended. */
async function fetchRange(
  client: S3Client,
  source: Source,
  { start, end }: Range,
  signal: AbortSignal,
  { retrySchedule, onReceived }: ReadOptions,
): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.allocUnsafeSlow(end - start + 1);
  let received = 0;
  const attempt = async (attemptSignal: AbortSignal, onProgress: () => void): Promise<Buffer<ArrayBuffer>> => {
    // If the body is complete and still failed, its checksum is wrong.
    if (received === bytes.length) received = 0;
    const body = await openRange(client, source, { start: start + received, end }, attemptSignal);
    const stop = () => body.destroy(attemptSignal.reason);
    attemptSignal.addEventListener("abort", stop, { once: true });
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        onProgress();
        onReceived(chunk.length);
        if (received + chunk.length > bytes.length) throw new Error("S3 sent more bytes than the range has");
        bytes.set(chunk, received);
        received += chunk.length;
      }
    } finally {
      attemptSignal.removeEventListener("abort", stop);
    }
    if (received < bytes.length) throw new Error(`S3 sent ${received} of ${bytes.length} bytes`);
    return bytes;
  };
  return fetchWithRetries(`Range ${start}-${end} of ${uriOf(source)}`, attempt, signal, retrySchedule);
}

/**
 * Reads this range of exactly this version of an object by ranged GETs, several concurrently, in
 * order. At most 24 MB are in memory: the bytes of a chunk are gone when the next one is requested.
 * Throws `SourceUnavailableError` or `SourceFetchError`. When `signal` is aborted the requests under
 * way are aborted and the iteration ends. However it ends, no request is left under way.
 */
export async function* readRanges(
  client: S3Client,
  source: Source,
  range: Range,
  signal: AbortSignal,
  options: ReadOptions,
): AsyncGenerator<Uint8Array> {
  const done = new AbortController();
  const aborted = AbortSignal.any([signal, done.signal]);
  const ranges = rangesOf(range);
  const underWay: Promise<Buffer<ArrayBuffer>>[] = [];
  const startNext = () => {
    const { value } = ranges.next();
    if (value === undefined) return;
    const fetched = fetchRange(client, source, value, aborted, options);
    // Awaited in order below; a later one may fail before it is awaited.
    fetched.catch(() => {});
    underWay.push(fetched);
  };
  try {
    for (let count = 0; count < PARALLEL_RANGES; count += 1) startNext();
    for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
      const bytes = await next;
      if (signal.aborted) return;
      yield bytes;
      // Otherwise the garbage collector looks for it, which takes longer than copying it does.
      bytes.buffer.transfer(0);
      startNext();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    done.abort();
    await Promise.allSettled(underWay);
  }
}
