import type { SynthOptions } from "./synth/contract.ts";

/** A case to synthesise: a stage with its settings. */
export type Stage = SynthOptions & { says: string; own: Record<string, unknown> };

const stage = (says: string, name: string, own: Record<string, unknown>, more: Partial<SynthOptions> = {}): Stage => ({
  says,
  own,
  stage: name,
  settings: { [name]: own },
  programs: own["video_split.architecture"] === "x86_64" ? "x86_64" : "arm64",
  ...more,
});

/** What was configured before on the bucket that is attached. */
export const FOUND_NOTIFICATIONS = {
  lambdaFunctions: [
    { id: "theirs", lambdaFunctionArn: "arn:aws:lambda:us-east-1:1:function:theirs", events: ["s3:*"] },
  ],
  queues: [{ id: "queue", queueArn: "arn:aws:sqs:us-east-1:1:theirs", events: ["s3:ObjectRemoved:*"] }],
  topics: [],
};

/** As long as EventBridge lets a stage's name be: infra/aws/buses.ts. */
export const STAGE_OF_MAX_LENGTH = "a-stage-of-thirty-two-characters";

export const STAGES: Stage[] = [
  stage("a development stage", "ada", {}),
  stage("production", "production", {
    "video_split.output_files_duration_in_sec": 60,
    "video_split.log_retention_days": 365,
    "poster.enabled": false,
    "video_split.alarm_email": "ops@example.com",
    "video_split.request_sources": ["s3://archive-2019/tapes/", "s3://rushes/"],
    "dynamodb.region": "eu-west-1",
  }),
  stage(
    "existing buckets and an existing table",
    "existing",
    {
      "video_split.upload_bucket": "media",
      "video_split.upload_key_prefix": "in/*/camera 1/",
      "video_split.output_bucket": "media",
      "video_split.output_key_prefix": "cuts/{video_id}/",
      "video_split.upload_kms_key": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
      "video_split.output_kms_key": "arn:aws:kms:us-east-1:123456789012:key/0987dcba-09fe-87dc-65ba-ab0987654321",
      "dynamodb.table_id": "Videos2019",
      "video_split.accepted_extensions": ["mp4", "mov"],
      "video_split.architecture": "x86_64",
      "video_split.concurrency": null,
    },
    { found: { "aws:s3/bucketNotification:BucketNotification": FOUND_NOTIFICATIONS } },
  ),
  stage("sst dev", "lin", {}, { dev: true }),
  stage("the longest name", STAGE_OF_MAX_LENGTH, {}),
];
