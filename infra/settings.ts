import * as z from "zod";
import { prefixFault } from "../services/video/segment-keys.ts";

/**
 * The user's settings: `default` of `settings.json`, overridden by the stage's own section. The
 * first five names are those of the 2019 service and keep their meaning. `null` for a bucket or
 * table means "create one".
 */
const bucketName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-'");
const tableName = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{3,255}$/, "must be a table's name: 3 to 255 of A-Z, a-z, 0-9, '_', '.' and '-'");
const kmsKey = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/,
    "must be the ARN of a KMS key (not of an alias), such as arn:aws:kms:eu-west-1:123456789012:key/…",
  );
const keyPrefix = z
  .string()
  .max(400, "must be at most 400 characters, so that file names still fit S3's 1,024-byte keys")
  .refine((prefix) => !prefix.startsWith("/"), "must not start with '/': S3 keys have no leading slash");

const outputKeyPrefix = keyPrefix.superRefine((prefix, context) => {
  const message = prefixFault(prefix);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** Containers that the service reads; uploads of these are split, and nothing else. */
export const DEFAULT_EXTENSIONS = [
  "mp4",
  "m4v",
  "mov",
  "3gp",
  "3g2",
  "mkv",
  "webm",
  "ts",
  "mts",
  "m2ts",
  "avi",
  "flv",
  "f4v",
  "ogv",
  "mpg",
  "mpeg",
  "wmv",
] as const;

/**
 * The days that CloudWatch can keep logs for.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** All variables of a function's environment together hold 4 KB. */
const MAX_EXTENSIONS = 100;

export const SettingsSchema = z.strictObject({
  "video_split.output_bucket": bucketName.nullable().default(null),
  "video_split.output_key_prefix": outputKeyPrefix.default("segments/{video_name}/"),
  "video_split.output_files_duration_in_sec": z
    .number()
    .min(0.5, "must be at least 0.5 seconds")
    .max(86_400, "must be at most 86400 seconds (a day)")
    .default(30),
  "dynamodb.region": z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be a region such as eu-west-1")
    .default("us-east-1"),
  "dynamodb.table_id": tableName.nullable().default(null),
  "video_split.upload_bucket": bucketName.nullable().default(null),
  "video_split.upload_key_prefix": keyPrefix.default("uploads/"),
  "video_split.request_sources": z
    .array(
      z
        .string()
        .regex(
          /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/.*$/,
          "must be locations such as s3://bucket/prefix/, or s3://bucket/ for a whole bucket",
        ),
    )
    .default([]),
  "video_split.upload_kms_key": kmsKey.nullable().default(null),
  "video_split.output_kms_key": kmsKey.nullable().default(null),
  "video_split.cut": z.enum(["exact", "keyframe"], 'must be "exact" or "keyframe"').default("exact"),
  // Where a segment begins between two keyframes: docs/decisions/anchored-boundaries.md.
  "video_split.exact_boundary": z.enum(["anchored", "encoded"], 'must be "anchored" or "encoded"').default("anchored"),
  "video_split.accepted_extensions": z
    .array(z.string().regex(/^[a-z0-9]{1,8}$/, "must be extensions in lower case without a dot, such as mp4"))
    .min(1, "must name at least one extension")
    .max(MAX_EXTENSIONS, `must be at most ${MAX_EXTENSIONS} extensions`)
    .refine((extensions) => new Set(extensions).size === extensions.length, "must not name an extension twice")
    .default([...DEFAULT_EXTENSIONS]),
  "video_split.largest_object_bytes": z
    .int()
    .positive()
    .max(5 * 2 ** 40, "must be at most 5 TiB, S3's largest object")
    .default(50 * 2 ** 30),
  "video_split.architecture": z.enum(["arm64", "x86_64"], 'must be "arm64" or "x86_64"').default("arm64"),
  // Of the split function. With 1,769 MB it has one vCPU, as Lambda's documentation says.
  "video_split.memory_mb": z
    .int("must be a whole number of MB")
    .min(512, "must be at least 512 MB: ffmpeg needs that for large pictures")
    .max(10_240, "must be at most 10240 MB, Lambda's maximum")
    .default(1_769),
  // Of the split function's /tmp. The largest, so that a source that is read twice is fetched once:
  // docs/decisions/reading-s3.md
  "video_split.storage_mb": z
    .int("must be a whole number of MB")
    .min(512, "must be at least 512 MB, Lambda's minimum")
    .max(10_240, "must be at most 10240 MB, Lambda's maximum")
    .default(10_240),
  // Reserved for each function. AWS leaves 100 unreserved, and a new account has 10 in all: there
  // none can be reserved.
  "video_split.concurrency": z
    .int("must be a whole number of invocations, or null for as many as the account has")
    .positive("must be at least 1, or null for as many as the account has")
    .nullable()
    .default(null),
  // Of a video that one invocation can't split. Other uploads need invocations as well.
  "video_split.max_concurrent_ranges": z
    .int("must be a whole number of ranges")
    .min(1, "must be at least 1")
    .max(100, "must be at most 100")
    .default(4),
  // The ages at which an upload is looked up stay in order up to three days:
  // services/reconciler/domain/look-up-schedule.ts.
  "video_split.reconcile_after_sec": z
    .int("must be a whole number of seconds")
    .min(1, "must be at least 1 second")
    .max(86_400, "must be at most 86400 seconds (a day)")
    .default(3_600),
  "video_split.log_retention_days": z
    .number()
    .refine((days) => RETENTION_DAYS.includes(days), `must be one of CloudWatch's: ${RETENTION_DAYS.join(", ")}`)
    .default(30),
  // A picture of each segment, by a function of its own.
  "poster.enabled": z.boolean("must be true or false").default(true),
  "video_split.alarm_email": z.email("must be an e-mail address, or null").nullable().default(null),
});
export type Settings = z.infer<typeof SettingsSchema>;

/** A setting that can't be used. `message` has one line per fault, each naming the setting. */
export class SettingsError extends Error {
  override name = "SettingsError";
}

/** The prefix up to its first template: all keys of the output start with it. */
const fixedPart = (prefix: string): string => prefix.split("{")[0] ?? "";

/**
 * The required prefix of every segment's key, also if a request names a prefix: empty in a bucket
 * that the service created for its segments; in an existing bucket, the configured prefix up to its
 * first template.
 */
export const outputKeyRoot = (settings: Settings): string =>
  settings["video_split.output_bucket"] === null ? "" : fixedPart(settings["video_split.output_key_prefix"]);

/** Ranges of one video that are cut at the same time: one invocation is left for other uploads. */
export function maxConcurrentRanges(settings: Settings): number {
  const most = settings["video_split.max_concurrent_ranges"];
  const reserved = settings["video_split.concurrency"];
  return reserved === null ? most : Math.max(1, Math.min(most, reserved - 1));
}

/**
 * Sources that a `SplitRequested` may name besides the uploads: each a bucket and a prefix of its
 * keys, "" for all of them.
 */
export const requestSources = (settings: Settings): { bucket: string; prefix: string }[] =>
  settings["video_split.request_sources"].map((place) => {
    const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(place) ?? [];
    return { bucket, prefix };
  });

const sharesKeys = (left: string, right: string): boolean => left.startsWith(right) || right.startsWith(left);

function clashes(settings: Settings): string[] {
  const upload = settings["video_split.upload_bucket"];
  const output = settings["video_split.output_bucket"];
  if (upload === null || output === null || upload !== output) return [];
  const prefix = fixedPart(settings["video_split.output_key_prefix"]);
  if (!sharesKeys(prefix, settings["video_split.upload_key_prefix"])) return [];
  return [
    `video_split.output_key_prefix "${settings["video_split.output_key_prefix"]}" and video_split.upload_key_prefix ` +
      `"${settings["video_split.upload_key_prefix"]}" clash: both are in bucket ${upload}, so every segment would be split again. ` +
      "Choose prefixes of which neither starts with the other, or use two buckets.",
  ];
}

/**
 * Validates one stage's settings and fills in defaults. Throws `SettingsError` for unknown names,
 * bad values and clashes.
 */
export function parseSettings(values: Record<string, unknown>): Settings {
  const parsed = SettingsSchema.safeParse(values);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) =>
      issue.code === "unrecognized_keys"
        ? `unknown setting ${issue.keys.join(", ")}; known are ${Object.keys(SettingsSchema.shape).join(", ")}`
        : `${String(issue.path[0] ?? "settings")} ${issue.message}`,
    );
    throw new SettingsError(lines.join("\n"));
  }
  const faults = clashes(parsed.data);
  if (faults.length > 0) throw new SettingsError(faults.join("\n"));
  return parsed.data;
}

/** The settings of `stage`: `default` of the file, overridden by the section of that name. */
export function settingsOfStage(file: unknown, stage: string): Settings {
  const stages = z.record(z.string(), z.record(z.string(), z.unknown())).safeParse(file);
  if (!stages.success) throw new SettingsError('settings.json must hold { "default": { … }, "STAGE": { … } }');
  return parseSettings({ ...stages.data.default, ...stages.data[stage] });
}
