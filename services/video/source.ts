/** An object to split, as it lay in S3 at one moment: bucket, key and version are its identity. */
export type Source = {
  bucket: string;
  /** Verbatim, never URL-encoded. */
  key: string;
  /** Without quotes. */
  etag: string;
  /** Undefined where the bucket has no versions. */
  versionId: string | undefined;
};

/** In a bucket whose versioning is suspended every object has this version id, so it identifies none. */
const NO_VERSION = "null";

/** One text for one source: the same for every delivery, retry and request that means this object. */
export const sourceIdentity = ({ bucket, key, etag, versionId }: Source): string =>
  JSON.stringify([bucket, key, versionId === undefined || versionId === NO_VERSION ? `etag:${etag}` : versionId]);

/** Base name and extension of a key: `uploads/a b.MP4` is `a b` and `mp4`. */
export function nameOf(key: string): { name: string; extension: string } {
  const base = key.slice(key.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  return dot > 0
    ? { name: base.slice(0, dot), extension: base.slice(dot + 1).toLowerCase() }
    : { name: base, extension: "" };
}
