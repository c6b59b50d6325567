import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  type ServerSideEncryption,
} from "@aws-sdk/client-s3";
import { SourceUnavailableError } from "../video/errors.ts";
import type { StoredObject } from "../video/ports/stored-objects.ts";
import { oneAttempt } from "./one-attempt.ts";
import { fetchWithRetries, RETRY_SCHEDULE, type RetrySchedule } from "./retrying-fetch.ts";
import { answerOf } from "./s3-errors.ts";
import { faultOf, type ObjectName, unavailable, uriOf } from "./source-faults.ts";

/**
 * Storage classes of which S3 returns no bytes before a restore. INTELLIGENT_TIERING has an archive
 * status instead.
 */
const ARCHIVED_CLASSES = ["GLACIER", "DEEP_ARCHIVE"];

const withoutQuotes = (etag: string | undefined): string => (etag ?? "").replace(/^"|"$/g, "");

const named = ({ bucket, key, versionId }: ObjectName) => ({ Bucket: bucket, Key: key, VersionId: versionId });

/**
 * Why S3 refused a HEAD, whose response has only a status: a GET of one byte is refused for the
 * same reason, and its response names it. The HEAD's own error where the GET succeeds.
 */
async function refusalOf(client: S3Client, object: ObjectName, error: unknown, abortSignal: AbortSignal) {
  const { status = 0 } = answerOf(error);
  if (status < 300 || status >= 500) return error;
  try {
    const get = new GetObjectCommand({ ...named(object), Range: "bytes=0-0" });
    const { Body } = await client.send(oneAttempt(get), { abortSignal });
    await Body?.transformToByteArray();
    return error;
  } catch (reason) {
    return faultOf(reason, object) ?? reason;
  }
}

const head = (client: S3Client, object: ObjectName, signal: AbortSignal, retrySchedule: RetrySchedule) =>
  fetchWithRetries(
    `The description of ${uriOf(object)}`,
    async (abortSignal) => {
      try {
        return await client.send(oneAttempt(new HeadObjectCommand(named(object))), { abortSignal });
      } catch (error) {
        throw await refusalOf(client, object, error, abortSignal);
      }
    },
    signal,
    retrySchedule,
  );

/**
 * For an archived object, S3 allows HEAD and refuses GET. A restored copy of it is readable for
 * some days.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax
 */
function archiveFault(object: ObjectName, { StorageClass, ArchiveStatus, Restore }: HeadObjectCommandOutput) {
  const tier = ArchiveStatus ?? ARCHIVED_CLASSES.find((one) => one === StorageClass);
  if (tier === undefined) return undefined;
  if (Restore?.includes('ongoing-request="false"')) return undefined;
  const restoring = Restore === undefined ? "" : ", and is being restored";
  return unavailable("SourceArchived", object, `${tier}${restoring}`);
}

/**
 * What S3 has stored about an object; undefined where there's no such object or version. Throws
 * what `fetchWithRetries` does.
 */
export async function describeObject(
  client: S3Client,
  object: ObjectName,
  signal: AbortSignal = new AbortController().signal,
  retrySchedule = RETRY_SCHEDULE,
): Promise<StoredObject | undefined> {
  try {
    const found = await head(client, object, signal, retrySchedule);
    const { bucket, key } = object;
    return {
      source: { bucket, key, etag: withoutQuotes(found.ETag), versionId: found.VersionId },
      bytes: found.ContentLength ?? 0,
      metadata: found.Metadata ?? {},
      unavailable: archiveFault(object, found),
    };
  } catch (error) {
    if (error instanceof SourceUnavailableError && error.reason === "SourceNotFound") return undefined;
    throw error;
  }
}

const isKms = (encryption: ServerSideEncryption | undefined): boolean => encryption?.startsWith("aws:kms") ?? false;

/**
 * If GET is forbidden and HEAD isn't, the KMS key isn't allowed: a HEAD needs no key, and S3's
 * response doesn't always name KMS. https://github.com/boto/boto3/issues/2952
 */
export async function isKeyForbidden(client: S3Client, object: ObjectName, abortSignal: AbortSignal): Promise<boolean> {
  try {
    const found = await client.send(oneAttempt(new HeadObjectCommand(named(object))), { abortSignal });
    return isKms(found.ServerSideEncryption);
  } catch {
    return false;
  }
}
