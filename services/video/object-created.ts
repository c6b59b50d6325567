import * as z from "zod";

/**
 * The fields of S3's event that are used; it has others, and new ones are added.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
export const ObjectCreated = z
  .object({
    source: z.literal("aws.s3"),
    "detail-type": z.literal("Object Created"),
    id: z.string().min(1),
    detail: z.object({
      bucket: z.object({ name: z.string().min(1) }),
      object: z.object({
        key: z.string().min(1),
        etag: z.string().min(1),
        "version-id": z.string().optional(),
        size: z.int().nonnegative().optional().catch(undefined),
      }),
    }),
  })
  .transform(({ id, detail: { bucket, object } }) => ({
    id,
    bucket: bucket.name,
    key: object.key,
    etag: object.etag,
    versionId: object["version-id"] || undefined,
    bytes: object.size,
  }));
