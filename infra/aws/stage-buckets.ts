import type { Settings } from "../settings.ts";
import { BUCKETS, type BucketId } from "../topology.ts";

/**
 * Days after which the parts of an upload that was never completed are deleted; until then they
 * cost storage.
 */
const ABANDONED_UPLOAD_DAYS = 7;

/** A private bucket: no public access, encrypted at rest, TLS only. */
function createBucket(id: BucketId): sst.aws.Bucket {
  const name = id === "uploads" ? "Uploads" : "Segments";
  const bucket = new sst.aws.Bucket(name, {
    // No browser uses it; SST would allow every origin.
    cors: false,
    enforceHttps: true,
    // Videos are deleted only with a stage that may be removed. A change of settings removes no
    // bucket.
    transform: { bucket: { forceDestroy: $app.removal === "remove" } },
  });
  new aws.s3.BucketServerSideEncryptionConfiguration(`${name}Encryption`, {
    bucket: bucket.name,
    rules: [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
        // S3's own default. Without it each deployment would try to remove it.
        blockedEncryptionTypes: ["SSE-C"],
      },
    ],
  });
  new aws.s3.BucketLifecycleConfiguration(`${name}Lifecycle`, {
    bucket: bucket.name,
    rules: [
      {
        id: "abort-incomplete-uploads",
        status: "Enabled",
        filter: { prefix: "" },
        abortIncompleteMultipartUpload: { daysAfterInitiation: ABANDONED_UPLOAD_DAYS },
      },
    ],
  });
  return bucket;
}

/**
 * Sends the bucket's "Object Created" events to the default bus. S3 keeps one notification
 * configuration per bucket and replaces it as a whole, so what is configured on an existing bucket
 * is read first and written back with it, and the configuration stays when this service is removed.
 */
function notifyEventBridge(bucket: sst.aws.Bucket, existing: string | null): void {
  const found =
    existing === null ? undefined : aws.s3.BucketNotification.get("UploadsNotificationFound", existing, undefined);
  new aws.s3.BucketNotification(
    "UploadsNotification",
    {
      bucket: bucket.name,
      eventbridge: true,
      ...(found && { lambdaFunctions: found.lambdaFunctions, queues: found.queues, topics: found.topics }),
    } as aws.s3.BucketNotificationArgs,
    { retainOnDelete: existing !== null },
  );
}

/**
 * The upload and the output bucket: the stage's own, or those that the settings name. The stage's
 * own always exist: Pulumi deletes a bucket that is no longer in the program, with its objects.
 * docs/decisions/removal.md
 */
export function createBuckets(settings: Settings): Record<BucketId, sst.aws.Bucket> {
  const own = { uploads: createBucket("uploads"), segments: createBucket("segments") };
  const uploadBucket = settings["video_split.upload_bucket"];
  const outputBucket = settings["video_split.output_bucket"];
  const uploads = uploadBucket === null ? own.uploads : sst.aws.Bucket.get("AttachedUploads", uploadBucket);
  const segments = outputBucket === null ? own.segments : sst.aws.Bucket.get("AttachedSegments", outputBucket);
  if (BUCKETS.uploads.eventBridge) notifyEventBridge(uploads, uploadBucket);
  return { uploads, segments };
}
