import type { Settings } from "../settings.ts";
import { BUCKETS, type BucketId } from "../topology.ts";

/** Days after which the parts of an upload that was never completed are deleted; until then they cost storage. */
const ABANDONED_UPLOAD_DAYS = 7;

/** A private bucket: no public access, encrypted at rest, TLS only. */
function createBucket(id: BucketId): sst.aws.Bucket {
  const name = id === "uploads" ? "Uploads" : "Segments";
  const bucket = new sst.aws.Bucket(name, {
    // Nobody's browser talks to it; SST would allow every origin.
    cors: false,
    enforceHttps: true,
    // Only a stage that may be removed altogether takes its videos with it.
    transform: { bucket: { forceDestroy: $app.removal === "remove" } },
  });
  new aws.s3.BucketServerSideEncryptionConfiguration(`${name}Encryption`, {
    bucket: bucket.name,
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
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
 * Sends the bucket's "Object Created" events to the default bus. S3 keeps one notification configuration per bucket and
 * replaces it whole, so what somebody else has set up on their bucket is read first and written back with it, and the
 * configuration stays when this service is removed.
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

/** The upload and the output bucket: made here, or attached to where the settings name one. */
export function createBuckets(settings: Settings): Record<BucketId, sst.aws.Bucket> {
  const uploadBucket = settings["video_split.upload_bucket"];
  const outputBucket = settings["video_split.output_bucket"];
  const uploads = uploadBucket === null ? createBucket("uploads") : sst.aws.Bucket.get("Uploads", uploadBucket);
  const segments = outputBucket === null ? createBucket("segments") : sst.aws.Bucket.get("Segments", outputBucket);
  if (BUCKETS.uploads.eventBridge) notifyEventBridge(uploads, uploadBucket);
  return { uploads, segments };
}
