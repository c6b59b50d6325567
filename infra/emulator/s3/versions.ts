import { invalidArgument, noSuchKey, S3Error } from "./errors.ts";
import { type Exchange, httpDate, versionHeader } from "./exchange.ts";
import type { Bucket, ObjectVersion, Version } from "./state.ts";
import { NULL_VERSION } from "./store.ts";

const VERSION_ID = /^[\w.]{32}$/;

/** The `versionId` of the query, if any. Throws `InvalidArgument` for one that can't be. */
export function requestedVersion({ query }: Exchange): string | undefined {
  const versionId = query.get("versionId");
  if (versionId === undefined || versionId === NULL_VERSION || VERSION_ID.test(versionId)) return versionId;
  throw invalidArgument("versionId", versionId, "Invalid version id specified");
}

/** The version of that id, or the newest one. */
export const findVersion = (bucket: Bucket, key: string, versionId: string | undefined): Version | undefined =>
  bucket.versions
    .get(key)
    ?.find((version, index) => (versionId === undefined ? index === 0 : version.versionId === versionId));

export const noSuchVersion = (key: string, versionId: string): S3Error =>
  new S3Error("NoSuchVersion", "The specified version does not exist.", {
    details: [
      ["Key", key],
      ["VersionId", versionId],
    ],
  });

/**
 * The object that a read is about. Throws `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, and
 * `MethodNotAllowed` for a delete marker requested by its id:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
 */
export function findObject(exchange: Exchange): ObjectVersion {
  const bucket = exchange.store.bucket(exchange.bucket);
  const versionId = requestedVersion(exchange);
  const version = findVersion(bucket, exchange.key, versionId);
  if (version?.kind === "object") return version;
  if (version === undefined) {
    throw versionId === undefined ? noSuchKey(exchange.key) : noSuchVersion(exchange.key, versionId);
  }
  const headers = { "x-amz-delete-marker": "true", ...versionHeader(exchange, version.versionId) };
  if (versionId === undefined) throw noSuchKey(exchange.key, headers);
  throw methodNotAllowed(exchange.request.method ?? "", "DeleteMarker", {
    ...headers,
    allow: "DELETE",
    "last-modified": httpDate(version.lastModified),
  });
}

export const methodNotAllowed = (method: string, resource: string, headers: Record<string, string> = {}): S3Error =>
  new S3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", {
    details: [
      ["Method", method],
      ["ResourceType", resource],
    ],
    headers,
  });
