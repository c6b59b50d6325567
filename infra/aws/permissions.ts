import { outputKeyRoot, requestSources, type Settings } from "../settings.ts";
import type { FunctionId, FunctionSpec } from "../topology.ts";
import type { Queues } from "./dead-letter-queues.ts";
import { logicalName } from "./names.ts";

type Resources = {
  settings: Settings;
  buckets: Record<"uploads" | "segments", sst.aws.Bucket>;
  tables: Record<"videos" | "ledger", sst.aws.Dynamo>;
  bus: sst.aws.Bus;
};

/** A link that carries permissions and no properties. */
export type Link = sst.Linkable<Record<string, never>>;

type Permission = { actions: string[]; resources: $util.Input<string>[] };

/**
 * A permission of a function, as a link: SST puts the permissions of what is linked into the
 * function's role.
 */
const may = (name: string, ...permissions: Permission[]): Link =>
  new sst.Linkable(name, { properties: {}, include: permissions.map((each) => sst.aws.permission(each)) });

/**
 * Escapes the special characters of a policy's resource.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
const literally = (prefix: string): string => prefix.replaceAll(/[*?$]/g, (character) => `\${${character}}`);

const keysBelow = (bucket: { arn: $util.Input<string> }, prefix: string): $util.Output<string> =>
  $interpolate`${bucket.arn}/${literally(prefix)}*`;

/**
 * Reading objects of a bucket. Listing it too: S3 answers 403 instead of 404 for a key that isn't
 * there to those who may not, and an object that was deleted must be distinguished from one that
 * may not be read.
 */
const reading = (bucket: { arn: $util.Input<string> }, prefix: string): Permission[] => [
  { actions: ["s3:GetObject", "s3:GetObjectVersion"], resources: [keysBelow(bucket, prefix)] },
  { actions: ["s3:ListBucket"], resources: [bucket.arn] },
];

/** Using a KMS key of an attached bucket; nothing where there's none. */
const using = (name: string, key: string | null, ...actions: string[]): Link[] =>
  key === null ? [] : [may(name, { actions, resources: [key] })];

/**
 * The permissions of each function, without those for its own logs and failures. No other principal
 * has any.
 */
export function permissions({ settings, buckets, tables, bus }: Resources): Record<FunctionId, Link[]> {
  const { partition } = aws.getPartitionOutput();
  const sources = requestSources(settings).map(({ bucket, prefix }) =>
    reading({ arn: $interpolate`arn:${partition}:s3:::${bucket}` }, prefix),
  );
  return {
    split: [
      ...using("DecryptUploads", settings["video_split.upload_kms_key"], "kms:Decrypt"),
      // S3 decrypts the parts of a multipart upload that were written before.
      ...using("EncryptSegments", settings["video_split.output_kms_key"], "kms:GenerateDataKey", "kms:Decrypt"),
      may("ReadUploads", ...reading(buckets.uploads, settings["video_split.upload_key_prefix"])),
      ...(sources.length > 0 ? [may("ReadRequestSources", ...sources.flat())] : []),
      may("WriteSegments", {
        actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
        resources: [keysBelow(buckets.segments, outputKeyRoot(settings))],
      }),
      may("AnnounceEvents", { actions: ["events:PutEvents"], resources: [bus.arn] }),
      may("KeepLedger", {
        actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        resources: [tables.ledger.arn],
      }),
    ],
    projector: [
      may("WriteVideos", { actions: ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources: [tables.videos.arn] }),
    ],
    poster: [
      ...using("UsePosterKey", settings["video_split.output_kms_key"], "kms:GenerateDataKey", "kms:Decrypt"),
      may("ReadSegments", ...reading(buckets.segments, outputKeyRoot(settings))),
      // Never a segment.
      may("WritePosters", {
        actions: ["s3:PutObject"],
        resources: [$interpolate`${keysBelow(buckets.segments, outputKeyRoot(settings))}.jpg`],
      }),
      may("AnnouncePosters", { actions: ["events:PutEvents"], resources: [bus.arn] }),
    ],
    reconciler: [
      ...using("DecryptListedUploads", settings["video_split.upload_kms_key"], "kms:Decrypt"),
      may("ListUploads", ...reading(buckets.uploads, settings["video_split.upload_key_prefix"]), {
        actions: ["s3:ListBucketVersions"],
        resources: [buckets.uploads.arn],
      }),
      may("AskAgain", { actions: ["events:PutEvents"], resources: [bus.arn] }),
      may("ReadLedger", {
        actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DescribeTable"],
        resources: [tables.ledger.arn],
      }),
    ],
  };
}

const clearing = ({ arn }: sst.aws.Queue): Permission => ({
  actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
  resources: [arn],
});

/**
 * A function's permissions for its log and its queues: to write the log, to send its failures to
 * their queue (Lambda does that with the function's role), and to delete the dead letters that it
 * clears.
 */
export const ownPermissions = (
  id: FunctionId,
  spec: Pick<FunctionSpec<unknown>, "failures" | "clears">,
  queues: Queues,
  logGroup: aws.cloudwatch.LogGroup,
): Link =>
  may(
    `${logicalName(id)}Own`,
    { actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [$interpolate`${logGroup.arn}:*`] },
    { actions: ["sqs:SendMessage"], resources: [queues[spec.failures].arn] },
    ...(spec.clears === undefined ? [] : [clearing(queues[spec.clears])]),
  );
