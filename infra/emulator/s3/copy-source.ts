import { invalidArgument, noSuchKey, S3Error } from "./errors.ts";
import { type Exchange, type Headers, header } from "./exchange.ts";
import type { ObjectVersion } from "./state.ts";
import { findVersion, noSuchVersion } from "./versions.ts";

export type CopySource = {
  bucket: string;
  key: string;
  object: ObjectVersion;
  /** Whether no version was named. */
  isNewest: boolean;
  /** For the response. */
  headers: Headers;
};

/**
 * The object that `x-amz-copy-source` names: `/bucket/key?versionId=…`, URL-encoded. Throws
 * `InvalidArgument`, `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion` and, for a delete marker named by
 * its id, `InvalidRequest`.
 */
export function findCopySource(exchange: Exchange): CopySource {
  const text = header(exchange, "x-amz-copy-source") ?? "";
  const [, encodedPath = "", versionId] = /^(.*?)(?:\?versionId=([^&]*))?$/s.exec(text) ?? [];
  const path = decodeSource(encodedPath, text).replace(/^\//, "");
  const slash = path.indexOf("/");
  if (slash <= 0 || slash === path.length - 1) throw invalidSource(text);
  const bucket = path.slice(0, slash);
  const key = path.slice(slash + 1);
  const stored = exchange.store.bucket(bucket);
  const object = findVersion(stored, key, versionId);
  if (object?.kind === "object") {
    const headers: Headers =
      stored.versioning === undefined ? {} : { "x-amz-copy-source-version-id": object.versionId };
    return { bucket, key, object, isNewest: versionId === undefined, headers };
  }
  if (versionId === undefined) throw noSuchKey(key);
  if (object === undefined) throw noSuchVersion(key, versionId);
  throw new S3Error(
    "InvalidRequest",
    "The source of a copy request may not specifically refer to a delete marker by version id.",
  );
}

function decodeSource(encoded: string, text: string): string {
  try {
    return decodeURIComponent(Buffer.from(encoded, "latin1").toString("utf8"));
  } catch {
    throw invalidSource(text);
  }
}

const invalidSource = (text: string): S3Error =>
  invalidArgument(
    "x-amz-copy-source",
    text,
    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
  );
