import { refuseLongKey } from "./address.ts";
import { namesEtag } from "./conditions.ts";
import { malformedXml, notImplemented, preconditionFailed, S3Error } from "./errors.ts";
import { type Exchange, type Headers, header, replyEmpty, replyXml } from "./exchange.ts";
import { declaredChecksum } from "./payload-check.ts";
import { receiveDocument } from "./request-body.ts";
import { findVersion, requestedVersion } from "./versions.ts";
import { childrenNamed, childText, parseRoot } from "./xml-reading.ts";
import type { XmlField } from "./xml-writing.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const MAX_DELETES = 1000;

type Deletion = { versionId?: string; isMarker: boolean };

/**
 * Deletes a version permanently, or the object: in a bucket with versions that only adds a delete
 * marker. `ifMatch` is about the newest version:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 */
function deleteOne(exchange: Exchange, key: string, versionId: string | undefined, ifMatch?: string): Deletion {
  const { store, bucket: name } = exchange;
  const bucket = store.bucket(name);
  if (ifMatch !== undefined) {
    const newest = findVersion(bucket, key, undefined);
    if (newest?.kind !== "object" || !namesEtag(ifMatch, newest.etag)) throw preconditionFailed("If-Match");
  }
  if (versionId !== undefined) {
    const version = findVersion(bucket, key, versionId);
    if (version !== undefined) store.removeVersion(name, key, versionId);
    return { versionId, isMarker: version?.kind === "deleteMarker" };
  }
  if (bucket.versioning === undefined) {
    const newest = findVersion(bucket, key, undefined);
    if (newest !== undefined) store.removeVersion(name, key, newest.versionId);
    return { isMarker: false };
  }
  return { versionId: store.addDeleteMarker(name, key).versionId, isMarker: true };
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html: success whether there was
 * an object or not.
 */
export function deleteObject(exchange: Exchange): void {
  const versionId = requestedVersion(exchange);
  const deletion = deleteOne(exchange, exchange.key, versionId, header(exchange, "if-match"));
  const headers: Headers = {};
  if (deletion.versionId !== undefined) headers["x-amz-version-id"] = deletion.versionId;
  if (deletion.isMarker) headers["x-amz-delete-marker"] = "true";
  replyEmpty(exchange, 204, headers);
}

function resultOf(exchange: Exchange, key: string, versionId: string | undefined, etag: string | undefined): XmlField {
  try {
    refuseLongKey(key);
    const deletion = deleteOne(exchange, key, versionId, etag);
    const marker = deletion.isMarker && [
      ["DeleteMarker", true] as const,
      ["DeleteMarkerVersionId", deletion.versionId] as const,
    ];
    return ["Deleted", [["Key", key], ["VersionId", versionId], ...(marker || [])]];
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return [
      "Error",
      [
        ["Key", key],
        ["VersionId", versionId],
        ["Code", error.code],
        ["Message", error.message],
      ],
    ];
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export async function deleteObjects(exchange: Exchange): Promise<void> {
  exchange.store.bucket(exchange.bucket);
  if (header(exchange, "content-md5") === undefined && declaredChecksum(exchange.headers) === undefined) {
    throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  }
  const root = parseRoot(await receiveDocument(exchange), "Delete");
  const objects = childrenNamed(root, "Object");
  if (objects.length === 0 || objects.length > MAX_DELETES) throw malformedXml();
  const quiet = childText(root, "Quiet") === "true";
  const results: XmlField[] = [];
  for (const object of objects) {
    const key = childText(object, "Key") ?? "";
    if (key === "") throw malformedXml();
    const condition = object.children.find(({ name }) => name === "LastModifiedTime" || name === "Size");
    if (condition !== undefined) throw notImplemented(`${condition.name} of a deletion`);
    const result = resultOf(exchange, key, childText(object, "VersionId") || undefined, childText(object, "ETag"));
    if (!quiet || result[0] === "Error") results.push(result);
  }
  replyXml(exchange, "DeleteResult", results);
}
