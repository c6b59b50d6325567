import { attributesOf, copiedAttributes, encryptionHeaders } from "./attributes.ts";
import type { Extent } from "./blobs.ts";
import { algorithmNamed, type Checksum, type ChecksumAlgorithm, checksumElement, startDigest } from "./checksums.ts";
import { checkSourceConditions, writeConditions } from "./conditions.ts";
import { findCopySource } from "./copy-source.ts";
import { invalidArgument, S3Error } from "./errors.ts";
import { type Exchange, header, isoDate, quoted, replyXml, versionHeader } from "./exchange.ts";
import { MAX_PUT_BYTES } from "./request-body.ts";
import type { Attributes, ObjectVersion } from "./state.ts";

function directive(exchange: Exchange, name: string): "COPY" | "REPLACE" {
  const value = header(exchange, name) ?? "COPY";
  if (value === "COPY" || value === "REPLACE") return value;
  throw invalidArgument(
    name,
    value,
    `Unknown ${name === "x-amz-metadata-directive" ? "metadata" : "tagging"} directive.`,
  );
}

function attributesOfCopy(exchange: Exchange, source: ObjectVersion): Attributes {
  const own = attributesOf(exchange);
  const replacesTags = directive(exchange, "x-amz-tagging-directive") === "REPLACE";
  const tags = replacesTags ? own.tags : source.attributes.tags;
  if (directive(exchange, "x-amz-metadata-directive") === "REPLACE") return { ...own, tags };
  return { ...copiedAttributes(source.attributes, own), tags };
}

/** Throws `InvalidRequest` for a copy onto itself that would change nothing. */
function refuseIdleCopy(exchange: Exchange, source: { bucket: string; key: string; isNewest: boolean }): void {
  const changes = ["x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-server-side-encryption"];
  if (
    source.bucket === exchange.bucket &&
    source.key === exchange.key &&
    source.isNewest &&
    directive(exchange, "x-amz-metadata-directive") === "COPY" &&
    !changes.some((name) => exchange.headers[name] !== undefined)
  ) {
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
}

/** MD5 (hexadecimal) and a checksum (base64) of stored content. */
export async function digestsOf(
  { store }: Exchange,
  extents: readonly Extent[],
  algorithms: readonly ChecksumAlgorithm[],
): Promise<{ etag: string; checksums: Partial<Record<ChecksumAlgorithm, string>> }> {
  const md5 = startDigest("MD5");
  const digests = algorithms.map((algorithm) => [algorithm, startDigest(algorithm)] as const);
  for await (const chunk of store.blobs.read(extents)) {
    md5.update(chunk);
    for (const [, digest] of digests) digest.update(chunk);
  }
  const checksums = Object.fromEntries(digests.map(([name, digest]) => [name, digest.digest().toString("base64")]));
  return { etag: md5.digest().toString("hex"), checksums };
}

/**
 * A copy is one object without parts. The source's checksums are used where they are of the whole,
 * otherwise it is read.
 */
async function figuresOfCopy(exchange: Exchange, source: ObjectVersion): Promise<{ etag: string; checksum: Checksum }> {
  const requested = header(exchange, "x-amz-checksum-algorithm");
  const algorithm = requested === undefined ? source.checksum.algorithm : algorithmNamed(requested);
  if (algorithm === undefined) {
    throw new S3Error("InvalidRequest", "Checksum algorithm provided is unsupported.");
  }
  if (source.parts === undefined && source.checksum.algorithm === algorithm) {
    return { etag: source.etag, checksum: source.checksum };
  }
  const { etag, checksums } = await digestsOf(exchange, source.extents, [algorithm]);
  return { etag, checksum: { algorithm, type: "FULL_OBJECT", value: checksums[algorithm]! } };
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html. Content is shared, not
 * copied.
 */
export async function copyObject(exchange: Exchange): Promise<void> {
  const { store, bucket, key } = exchange;
  const check = writeConditions(exchange);
  const source = findCopySource(exchange);
  checkSourceConditions(exchange, source.object);
  refuseIdleCopy(exchange, source);
  if (source.object.size > MAX_PUT_BYTES) {
    throw new S3Error(
      "InvalidRequest",
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    );
  }
  const attributes = attributesOfCopy(exchange, source.object);
  const { size, extents } = source.object;
  store.blobs.hold(extents);
  try {
    const figures = await figuresOfCopy(exchange, source.object);
    const version = store.addObject(bucket, key, { size, attributes, extents, ...figures }, check);
    await exchange.announce(version, "CopyObject");
    const { checksum } = version;
    replyXml(
      exchange,
      "CopyObjectResult",
      [
        ["LastModified", isoDate(version.lastModified)],
        ["ETag", quoted(version.etag)],
        ["ChecksumType", checksum.type],
        [checksumElement(checksum.algorithm), checksum.value],
      ],
      { ...source.headers, ...encryptionHeaders(attributes), ...versionHeader(exchange, version.versionId) },
    );
  } finally {
    store.blobs.release(extents);
  }
}
