import { ListObjectVersionsCommand, type ObjectVersion, type S3Client } from "@aws-sdk/client-s3";
import type { ListedUpload, Uploads } from "../reconciler/ports/uploads.ts";

/** What S3 lists as the version of an object that has none. */
const NO_VERSION = "null";

const listed = (
  bucket: string,
  { Key = "", VersionId, ETag = "", Size = 0, LastModified }: ObjectVersion,
): ListedUpload => ({
  source: {
    bucket,
    key: Key,
    etag: ETag.replaceAll('"', ""),
    versionId: VersionId === NO_VERSION ? undefined : VersionId,
  },
  bytes: Size,
  uploadedAt: Math.floor((LastModified?.getTime() ?? 0) / 1_000),
});

/**
 * The upload bucket in S3, by its versions: in a bucket without any each object has one. Throws the
 * SDK's errors, and the signal's reason.
 */
export const s3Uploads = (client: S3Client): Uploads => ({
  list: async function* (Bucket, Prefix, signal) {
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      // The SDK has no paginator for this operation.
      const command = new ListObjectVersionsCommand({ Bucket, Prefix, KeyMarker, VersionIdMarker });
      const page = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      yield (page.Versions ?? []).map((version) => listed(Bucket, version));
      KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
      VersionIdMarker = page.NextVersionIdMarker;
    } while (KeyMarker !== undefined);
  },
});
