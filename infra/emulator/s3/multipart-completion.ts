import type { IncomingHttpHeaders } from "node:http";
import { encryptionHeaders } from "./attributes.ts";
import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  checksumElement,
  checksumHeader,
  checksumOfParts,
  startDigest,
} from "./checksums.ts";
import { writeConditions } from "./conditions.ts";
import { malformedXml, noSuchUpload, S3Error } from "./errors.ts";
import { type Exchange, header, quoted, replyXml, versionHeader } from "./exchange.ts";
import { algorithmOf, uploadIdOf } from "./multipart-upload.ts";
import { receiveDocument } from "./request-body.ts";
import type { ObjectVersion, OpenUpload, Part } from "./state.ts";
import { childrenNamed, childText, parseRoot, type XmlElement } from "./xml-reading.ts";

/** Of every part but the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MIN_PART_BYTES = 5 * 2 ** 20;

const invalidPart = (number: number, uploadId: string): S3Error =>
  new S3Error(
    "InvalidPart",
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    {
      details: [
        ["UploadId", uploadId],
        ["PartNumber", number],
      ],
    },
  );

function findPart(upload: OpenUpload, listed: XmlElement): Part {
  const number = Number(childText(listed, "PartNumber") ?? "");
  if (!Number.isInteger(number)) throw malformedXml();
  const etag = childText(listed, "ETag")?.replaceAll('"', "");
  const part = upload.parts.get(number);
  if (part === undefined || etag !== part.etag) throw invalidPart(number, upload.id);
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = childText(listed, checksumElement(algorithm));
    if (value !== undefined && value !== part.checksums[algorithm]) throw invalidPart(number, upload.id);
    if (value === undefined && algorithm === upload.algorithm && upload.checksumType === "COMPOSITE") {
      throw new S3Error(
        "InvalidRequest",
        `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      );
    }
  }
  return part;
}

/**
 * The parts that the client lists. Throws `MalformedXML`, `InvalidPart`, `InvalidPartOrder` and
 * `EntityTooSmall`.
 */
function listedParts(upload: OpenUpload, document: string): Part[] {
  const listed = childrenNamed(parseRoot(document, "CompleteMultipartUpload"), "Part");
  if (listed.length === 0) throw malformedXml();
  const numbers = listed.map((part) => Number(childText(part, "PartNumber") ?? ""));
  if (numbers.some((number, index) => index > 0 && number <= numbers[index - 1]!)) {
    throw new S3Error(
      "InvalidPartOrder",
      "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
      { details: [["UploadId", upload.id]] },
    );
  }
  const parts = listed.map((part) => findPart(upload, part));
  const small = parts.slice(0, -1).find((part) => part.size < MIN_PART_BYTES);
  if (small !== undefined) {
    throw new S3Error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", {
      details: [
        ["ProposedSize", small.size],
        ["MinSizeAllowed", MIN_PART_BYTES],
        ["PartNumber", small.number],
        ["ETag", small.etag],
      ],
    });
  }
  return parts;
}

/** MD5 of the parts' MD5s, and their number. */
function multipartEtag(parts: readonly Part[]): string {
  const digest = startDigest("MD5");
  for (const part of parts) digest.update(Buffer.from(part.etag, "hex"));
  return `${digest.digest().toString("hex")}-${parts.length}`;
}

/** Throws `InvalidRequest` and `BadDigest` where the headers differ. */
function checkFigures(exchange: Exchange, checksum: Checksum, size: number): void {
  const type = header(exchange, "x-amz-checksum-type");
  if (type !== undefined && type !== checksum.type) {
    throw new S3Error(
      "InvalidRequest",
      `The upload was created using the ${checksum.type} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const value = header(exchange, checksumHeader(checksum.algorithm));
  if (value !== undefined && value.replace(/-\d+$/, "") !== checksum.value.replace(/-\d+$/, "")) {
    throw new S3Error(
      "BadDigest",
      `The ${checksum.algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
    );
  }
  const announced = header(exchange, "x-amz-mp-object-size");
  if (announced !== undefined && Number(announced) !== size) {
    throw new S3Error(
      "InvalidRequest",
      "The provided 'x-amz-mp-object-size' header does not match what was computed.",
      {
        details: [["ComputedSize", size]],
      },
    );
  }
}

/** The object is a list of the parts' content: nothing is read or copied. */
function complete(exchange: Exchange, upload: OpenUpload, document: string): ObjectVersion {
  const parts = listedParts(upload, document);
  const algorithm = algorithmOf(upload);
  const figures = parts.map((part) => ({ size: part.size, checksum: part.checksums[algorithm]! }));
  const checksum = checksumOfParts(algorithm, upload.checksumType, figures);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  checkFigures(exchange, checksum, size);
  const object = {
    size,
    etag: multipartEtag(parts),
    attributes: upload.attributes,
    checksum,
    extents: parts.flatMap((part) => part.extents),
    parts: figures,
    uploadId: upload.id,
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#SysMetadata
    lastModified: upload.initiated,
  };
  return exchange.store.addObject(exchange.bucket, exchange.key, object, writeConditions(exchange));
}

/** Checksums in the headers of this request are the object's, not those of its body. */
const headersOfBody = ({ headers }: Exchange): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("x-amz-checksum-")));

/** The object that an upload of this id made, if it still exists. */
const completedBefore = ({ store, bucket, key }: Exchange, uploadId: string): ObjectVersion | undefined =>
  store
    .bucket(bucket)
    .versions.get(key)
    ?.find((version): version is ObjectVersion => version.kind === "object" && version.uploadId === uploadId);

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html. A client that
 * did not receive the response sends the request again: it gets the same response, and the event is
 * sent again, because that may have failed.
 */
export async function completeMultipartUpload(exchange: Exchange): Promise<void> {
  const { bucket, key, store } = exchange;
  const uploadId = uploadIdOf(exchange);
  const document = await receiveDocument(exchange, headersOfBody(exchange));
  const upload = store.bucket(bucket).uploads.get(uploadId);
  const version = upload?.key === key ? complete(exchange, upload, document) : completedBefore(exchange, uploadId);
  if (version === undefined) throw noSuchUpload(uploadId);
  await exchange.announce(version, "CompleteMultipartUpload");
  replyXml(
    exchange,
    "CompleteMultipartUploadResult",
    [
      ["Location", `http://${header(exchange, "host") ?? "localhost"}/${bucket}/${encodeURIComponent(key)}`],
      ["Bucket", bucket],
      ["Key", key],
      ["ETag", quoted(version.etag)],
      [checksumElement(version.checksum.algorithm), version.checksum.value],
      ["ChecksumType", version.checksum.type],
    ],
    { ...encryptionHeaders(version.attributes), ...versionHeader(exchange, version.versionId) },
  );
}
