import { MAX_KEY_BYTES } from "./segment-keys.ts";

/** An object to split, as it was in S3 at one moment: bucket, key and version are its identity. */
export type Source = {
  bucket: string;
  /** Verbatim, never URL-encoded. */
  key: string;
  /** Without quotes. */
  etag: string;
  /** Undefined where the bucket has no versions. */
  versionId: string | undefined;
};

/** S3's limit; old buckets of us-east-1 can have names of up to 255. */
export const MAX_BUCKET_BYTES = 255;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const BUCKET_NAME = /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Why no object can have this name: a sentence without its full stop. Undefined if one can. */
export function objectNameFault(bucket: string, key: string): string | undefined {
  if (!BUCKET_NAME.test(bucket)) {
    return `The request's bucket is ${JSON.stringify(bucket)}; it must be a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-'`;
  }
  if (!key.isWellFormed()) return "The request's key contains an unpaired surrogate, which UTF-8 can't encode";
  const bytes = new TextEncoder().encode(key).length;
  if (bytes > MAX_KEY_BYTES) return `The request's key has ${bytes} bytes; a key in S3 has at most ${MAX_KEY_BYTES}`;
  return undefined;
}

/**
 * In a bucket whose versioning is suspended every object has this version id, so it identifies
 * none.
 */
const NO_VERSION = "null";

/** Whether a version id distinguishes an object from all others that have or had its key. */
export const isVersion = (versionId: string | undefined): versionId is string =>
  versionId !== undefined && versionId !== NO_VERSION;

/**
 * The identity of a source: the same text for every delivery, retry and request for this object.
 */
export const sourceIdentity = ({ bucket, key, etag, versionId }: Source): string =>
  JSON.stringify([bucket, key, isVersion(versionId) ? versionId : `etag:${etag}`]);

/**
 * Whether a key ends with one of these extensions (lower case, without a dot), in upper or lower
 * case.
 */
export function hasExtension(key: string, extensions: readonly string[]): boolean {
  const spelled = key.toLowerCase();
  return extensions.some((extension) => spelled.endsWith(`.${extension}`));
}

/** Base name and extension of a key: `uploads/a b.MP4` is `a b` and `mp4`. */
export function nameOf(key: string): { name: string; extension: string } {
  const base = key.slice(key.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  return dot > 0
    ? { name: base.slice(0, dot), extension: base.slice(dot + 1).toLowerCase() }
    : { name: base, extension: "" };
}
