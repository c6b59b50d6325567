import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import type { Extent } from "./blobs.ts";
import type { ChecksumAlgorithm } from "./checksums.ts";
import { S3Error } from "./errors.ts";
import { type Exchange, header } from "./exchange.ts";
import { PayloadCheck, type PayloadDigests } from "./payload-check.ts";

/**
 * S3's limit for a single PUT and for a part:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export const MAX_PUT_BYTES = 5 * 2 ** 30;

/** Enough for a CompleteMultipartUpload of 10,000 parts and a DeleteObjects of 1,000 long keys. */
const MAX_DOCUMENT_BYTES = 8 * 2 ** 20;

export type Payload = PayloadDigests & { extents: Extent[] };

const incompleteBody = (): S3Error =>
  new S3Error("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header");

/** Bytes of content that the client announces, its framing not counted. */
function announcedLength(exchange: Exchange): number | undefined {
  const text = header(exchange, "x-amz-decoded-content-length") ?? header(exchange, "content-length");
  if (text === undefined) return undefined;
  if (!/^\d{1,16}$/.test(text)) throw incompleteBody();
  return Number(text);
}

export function isAwsChunked(exchange: Exchange): boolean {
  return (
    (header(exchange, "x-amz-content-sha256") ?? "").startsWith("STREAMING-") ||
    /(?:^|,)\s*aws-chunked\s*(?:,|$)/.test(header(exchange, "content-encoding") ?? "")
  );
}

/**
 * The chunks as they are received. Leaving the loop early does not destroy the connection, as
 * iterating over a stream otherwise does: the client must be able to read why its body was refused.
 */
export function chunksOf(stream: Readable): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => stream.iterator({ destroyOnReturn: false }) };
}

/** Passes on the chunks, and throws after more than `limit` bytes. */
export async function* limited(
  source: AsyncIterable<Buffer>,
  limit: number,
  tooLarge: () => S3Error,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    yield chunk;
  }
}

type Body = { content: AsyncIterable<Buffer>; trailers: ReadonlyMap<string, string>; length: number | undefined };

function bodyOf(exchange: Exchange, limit: number, tooLarge: () => S3Error): Body {
  const length = announcedLength(exchange);
  if (length !== undefined && length > limit) throw tooLarge();
  const chunks = chunksOf(exchange.request);
  const decoder = new AwsChunkedDecoder();
  const content = isAwsChunked(exchange) ? decoder.decode(chunks) : chunks;
  return {
    content: limited(content, length ?? limit, length === undefined ? tooLarge : incompleteBody),
    trailers: decoder.trailers,
    length,
  };
}

/** `max` in bytes. */
export const entityTooLarge = (max: number): S3Error =>
  new S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", {
    details: [["MaxSizeAllowed", max]],
  });

/**
 * Stores a request's content, verified. The caller holds the extents and must release them. Throws
 * what `PayloadCheck` throws, and `EntityTooLarge`, `IncompleteBody` and `MissingContentLength`.
 */
export async function receivePayload(
  exchange: Exchange,
  wanted: (declared?: ChecksumAlgorithm) => readonly ChecksumAlgorithm[],
): Promise<Payload> {
  const check = new PayloadCheck(exchange.headers, wanted);
  const { content, trailers, length } = bodyOf(exchange, MAX_PUT_BYTES, () => entityTooLarge(MAX_PUT_BYTES));
  if (length === undefined) {
    throw new S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  const { blobs } = exchange.store;
  const extents = await blobs.write(content, (chunk) => check.update(chunk));
  try {
    const digests = check.finish(trailers);
    if (digests.size !== length) throw incompleteBody();
    return { ...digests, extents };
  } catch (error) {
    blobs.release(extents);
    throw error;
  }
}

/**
 * Reads a small document, verified by `headers` like a payload. Throws `MaxMessageLengthExceeded`
 * beside what that throws.
 */
export async function receiveDocument(
  exchange: Exchange,
  headers: IncomingHttpHeaders = exchange.headers,
): Promise<string> {
  const check = new PayloadCheck(headers, () => []);
  const tooLarge = () => new S3Error("MaxMessageLengthExceeded", "Your request was too large.");
  const { content, trailers, length } = bodyOf(exchange, MAX_DOCUMENT_BYTES, tooLarge);
  const chunks: Buffer[] = [];
  for await (const chunk of content) {
    check.update(chunk);
    chunks.push(chunk);
  }
  const { size } = check.finish(trailers);
  if (length !== undefined && size !== length) throw incompleteBody();
  return Buffer.concat(chunks).toString("utf8");
}
