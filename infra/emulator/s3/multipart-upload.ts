import { attributesOf, encryptionHeaders } from "./attributes.ts";
import { slice } from "./blobs.ts";
import {
  algorithmNamed,
  allowsType,
  type ChecksumAlgorithm,
  type ChecksumType,
  checksumElement,
  checksumHeader,
  DEFAULT_ALGORITHM,
  defaultType,
  typeNamed,
} from "./checksums.ts";
import { checkSourceConditions } from "./conditions.ts";
import { digestsOf } from "./copy-object.ts";
import { findCopySource } from "./copy-source.ts";
import { invalidArgument, S3Error } from "./errors.ts";
import { type Exchange, header, isoDate, quoted, replyEmpty, replyXml } from "./exchange.ts";
import { parseRange } from "./ranges.ts";
import { MAX_PUT_BYTES, receivePayload } from "./request-body.ts";
import type { OpenUpload } from "./state.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MAX_PARTS = 10_000;

const invalidRequest = (message: string): S3Error => new S3Error("InvalidRequest", message);

function chosenChecksum(exchange: Exchange): { algorithm?: ChecksumAlgorithm; checksumType: ChecksumType } {
  const name = header(exchange, "x-amz-checksum-algorithm");
  const type = header(exchange, "x-amz-checksum-type");
  if (name === undefined) {
    if (type !== undefined)
      throw invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
    return { checksumType: defaultType(DEFAULT_ALGORITHM) };
  }
  const algorithm = algorithmNamed(name);
  if (algorithm === undefined) throw invalidRequest("Checksum algorithm provided is unsupported.");
  const checksumType = type === undefined ? defaultType(algorithm) : typeNamed(type);
  if (checksumType === undefined || !allowsType(algorithm, checksumType)) {
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, checksumType };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export function createMultipartUpload(exchange: Exchange): void {
  const { store, bucket, key } = exchange;
  const attributes = attributesOf(exchange);
  const chosen = chosenChecksum(exchange);
  const upload = store.createUpload(bucket, { key, attributes, ...chosen });
  replyXml(
    exchange,
    "InitiateMultipartUploadResult",
    [
      ["Bucket", bucket],
      ["Key", key],
      ["UploadId", upload.id],
    ],
    {
      ...encryptionHeaders(attributes),
      ...(chosen.algorithm !== undefined && {
        "x-amz-checksum-algorithm": chosen.algorithm,
        "x-amz-checksum-type": chosen.checksumType,
      }),
    },
  );
}

export const uploadIdOf = ({ query }: Exchange): string => query.get("uploadId") ?? "";

function partNumberOf({ query }: Exchange): number {
  const text = query.get("partNumber") ?? "";
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= MAX_PARTS) return number;
  throw invalidArgument("partNumber", text, `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`);
}

/** The algorithm that the whole object's checksum is made with. */
export const algorithmOf = (upload: OpenUpload): ChecksumAlgorithm => upload.algorithm ?? DEFAULT_ALGORITHM;

function refuseOtherAlgorithm(upload: OpenUpload, declared: ChecksumAlgorithm | undefined): void {
  if (declared === undefined || upload.algorithm === undefined || declared === upload.algorithm) return;
  throw invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${declared.toLowerCase()}`,
  );
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export async function uploadPart(exchange: Exchange): Promise<void> {
  const { store, bucket, key } = exchange;
  const number = partNumberOf(exchange);
  const upload = store.upload(bucket, key, uploadIdOf(exchange));
  const payload = await receivePayload(exchange, (declared) => {
    refuseOtherAlgorithm(upload, declared);
    return [algorithmOf(upload)];
  });
  try {
    const { size, extents } = payload;
    const checksums = Object.fromEntries(payload.checksums);
    const part = store.addPart(bucket, key, upload.id, {
      number,
      size,
      etag: payload.md5.toString("hex"),
      checksums,
      extents,
    });
    const shown = payload.declared ?? upload.algorithm;
    replyEmpty(exchange, 200, {
      etag: quoted(part.etag),
      ...(shown !== undefined && { [checksumHeader(shown)]: checksums[shown] }),
      ...encryptionHeaders(upload.attributes),
    });
  } finally {
    store.blobs.release(payload.extents);
  }
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html. Content is shared, not
 * copied.
 */
export async function uploadPartCopy(exchange: Exchange): Promise<void> {
  const { store, bucket, key } = exchange;
  const number = partNumberOf(exchange);
  const upload = store.upload(bucket, key, uploadIdOf(exchange));
  const { object, headers } = findCopySource(exchange);
  checkSourceConditions(exchange, object);
  const { start, length } = copiedRange(exchange, object.size);
  if (length > MAX_PUT_BYTES) {
    throw invalidRequest(
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    );
  }
  const extents = slice(object.extents, start, length);
  store.blobs.hold(extents);
  try {
    const digests = await digestsOf(exchange, extents, [algorithmOf(upload)]);
    const part = store.addPart(bucket, key, upload.id, { number, size: length, extents, ...digests });
    const { algorithm } = upload;
    replyXml(
      exchange,
      "CopyPartResult",
      [
        ["LastModified", isoDate(part.lastModified)],
        ["ETag", quoted(part.etag)],
        ...(algorithm === undefined ? [] : [[checksumElement(algorithm), part.checksums[algorithm]] as const]),
      ],
      { ...headers, ...encryptionHeaders(upload.attributes) },
    );
  } finally {
    store.blobs.release(extents);
  }
}

/** Unlike that of a GET, this range must be closed and within the source. */
function copiedRange(exchange: Exchange, size: number): { start: number; length: number } {
  const text = header(exchange, "x-amz-copy-source-range");
  if (text === undefined) return { start: 0, length: size };
  const last = /^bytes=\d+-(\d+)$/.exec(text)?.[1];
  const range = last === undefined ? undefined : parseRange(text, size);
  if (range === undefined) {
    throw invalidArgument(
      "x-amz-copy-source-range",
      text,
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  }
  if (Number(last) >= size) {
    throw invalidArgument(
      "x-amz-copy-source-range",
      text,
      `Range specified is not valid for source object of size: ${size}`,
    );
  }
  return range;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export function abortMultipartUpload(exchange: Exchange): void {
  exchange.store.abortUpload(exchange.bucket, exchange.key, uploadIdOf(exchange));
  replyEmpty(exchange, 204);
}
