import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { type SourceFault, SourceUnavailableError } from "../video/errors.ts";
import type { Source } from "../video/source.ts";

/**
 * A header read wants few bytes and a cut wants all: ranges grow as a read goes on. AWS advises 8 to 16 MB a request for
 * throughput. https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
 */
const RANGE_BYTES = [256 * 1024, 1024 * 1024, 4 * 1024 * 1024, 8 * 1024 * 1024] as const;

/** Ranges fetched at the same time, so at most this many times 8 MB are in memory for one read. */
const PARALLEL_RANGES = 3;

/** The SDK retries requests; a body that is cut midway is ours to fetch again. */
const ATTEMPTS = 5;
const BACKOFF_MS = 200;

type Range = { start: number; end: number };

function* rangesOf(start: number, end: number): Generator<Range> {
  let from = start;
  for (let step = 0; from <= end; step += 1) {
    const size = RANGE_BYTES[Math.min(step, RANGE_BYTES.length - 1)] ?? RANGE_BYTES[0];
    const to = Math.min(from + size - 1, end);
    yield { start: from, end: to };
    from = to + 1;
  }
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** 404: deleted; 412: overwritten; 416: overwritten by something shorter. */
function faultOf(error: unknown): SourceFault | undefined {
  const status = statusOf(error) ?? 0;
  if (status === 404) return "SourceNotFound";
  return status === 412 || status === 416 ? "SourceChanged" : undefined;
}

const FAULT_MESSAGES = {
  SourceNotFound: "The object was deleted while it was read",
  SourceChanged: "The object was overwritten while it was read",
} as Record<SourceFault, string>;

async function fetchRange(
  client: S3Client,
  source: Source,
  { start, end }: Range,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { Body } = await client.send(
    new GetObjectCommand({
      Bucket: source.bucket,
      Key: source.key,
      VersionId: source.versionId,
      IfMatch: `"${source.etag}"`,
      Range: `bytes=${start}-${end}`,
    }),
    { abortSignal: signal },
  );
  const bytes = await Body?.transformToByteArray();
  if (bytes?.length !== end - start + 1) {
    throw new Error(`S3 sent ${bytes?.length ?? 0} of the ${end - start + 1} bytes from ${start} to ${end}`);
  }
  return bytes;
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });

async function fetchWithRetries(
  client: S3Client,
  source: Source,
  range: Range,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchRange(client, source, range, signal);
    } catch (error) {
      const fault = faultOf(error);
      if (fault !== undefined) throw new SourceUnavailableError(fault, FAULT_MESSAGES[fault], { cause: error });
      if (signal.aborted || attempt === ATTEMPTS) throw error;
      await pause(BACKOFF_MS * 2 ** attempt * Math.random(), signal);
    }
  }
}

/**
 * Reads bytes `start` to `end` (both included) of exactly this version of an object by ranged GETs, several at once, in
 * order. Bounded memory. Throws `SourceUnavailableError`, or the last error after some attempts. When `signal` is aborted
 * the requests under way are aborted and the iteration ends.
 */
export async function* readRanges(
  client: S3Client,
  source: Source,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const done = new AbortController();
  const aborted = AbortSignal.any([signal, done.signal]);
  const ranges = rangesOf(start, end);
  const underWay: Promise<Uint8Array>[] = [];
  const startNext = () => {
    const { value } = ranges.next();
    if (value === undefined) return;
    const fetched = fetchWithRetries(client, source, value, aborted);
    // Awaited in order below; a later one may fail before its turn comes.
    fetched.catch(() => {});
    underWay.push(fetched);
  };
  try {
    startNext();
    let taken = 0;
    for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
      yield await next;
      taken += 1;
      // Only a reader that comes back for more gets more fetched ahead: most reads of a header end here.
      for (let free = Math.min(taken, PARALLEL_RANGES) - underWay.length; free > 0; free -= 1) startNext();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    done.abort();
  }
}
