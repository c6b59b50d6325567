import {
  ListObjectVersionsCommand,
  type ListObjectVersionsOutput,
  type ObjectVersion,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Place } from "../reconciler/domain/passes.ts";
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

/** Undefined at the end of the listing. */
const placeAfter = ({
  IsTruncated,
  NextKeyMarker,
  NextVersionIdMarker,
}: ListObjectVersionsOutput): Place | undefined =>
  IsTruncated && NextKeyMarker !== undefined ? { key: NextKeyMarker, versionId: NextVersionIdMarker } : undefined;

/**
 * The upload bucket in S3, by its versions: in a bucket without versioning, each object has one.
 * Throws the SDK's errors, and the signal's reason.
 */
export const s3Uploads = (client: S3Client): Uploads => ({
  list: async function* (Bucket, Prefix, place, signal) {
    let next = place;
    do {
      // The SDK has no paginator for this operation.
      const markers = { KeyMarker: next?.key, VersionIdMarker: next?.versionId };
      const command = new ListObjectVersionsCommand({ Bucket, Prefix, ...markers });
      const page = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      next = placeAfter(page);
      yield { uploads: (page.Versions ?? []).map((version) => listed(Bucket, version)), next };
    } while (next !== undefined);
  },
});
