import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { UsageError } from "../../command-line/run.ts";
import type { Settings } from "../../settings.ts";
import { LOCAL_CREDENTIALS } from "../names.ts";
import type { Stack } from "../stack.ts";

/**
 * Throws `UsageError` where a file can't be uploaded. An empty or invalid file can: the service
 * rejects it.
 */
export async function checkVideo(path: string, settings: Settings): Promise<void> {
  try {
    const handle = await open(path, "r");
    await handle.close();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "you may not read it" : String(code);
    throw new UsageError(`Can't read ${path}: ${why}`, { cause });
  }
  if (!(await stat(path)).isFile()) throw new UsageError(`Can't read ${path}: it's not a file`);
  const extension = extname(path).slice(1);
  const accepted = settings["video_split.accepted_extensions"];
  if (accepted.includes(extension.toLowerCase())) return;
  throw new UsageError(
    `"${extension}" is not among video_split.accepted_extensions (${accepted.join(", ")}), so ${basename(path)} would not be split`,
  );
}

export const s3Of = ({ endpoint, region }: Stack): S3Client =>
  new S3Client({ endpoint, region, credentials: LOCAL_CREDENTIALS, forcePathStyle: true });

/** Where in S3 a file is uploaded to. */
export type Place = { bucket: string; key: string };

export const placeOf = ({ names, uploadPrefix }: Stack, path: string): Place => ({
  bucket: names.uploads,
  key: `${uploadPrefix}${basename(path)}`,
});

/**
 * Whether an upload was finished and the bus accepted its event, perhaps in an earlier run of this
 * stack.
 */
export async function wasUploaded(stack: Stack, { key }: Place): Promise<boolean> {
  const events = await Array.fromAsync(stack.bridge.log(stack.topology.buses.default.name));
  return events.some(({ detail }) => (detail as { object?: { key?: string } }).object?.key === key);
}

/** Uploads a file as a user would, with its overrides as metadata. */
export async function uploadVideo(
  stack: Stack,
  path: string,
  { bucket, key }: Place,
  { seconds, cut }: { seconds: number | undefined; cut: string | undefined },
): Promise<void> {
  const client = s3Of(stack);
  const metadata = {
    ...(seconds !== undefined && { "segment-seconds": String(seconds) }),
    ...(cut !== undefined && { cut }),
  };
  try {
    const params = { Bucket: bucket, Key: key, Body: createReadStream(path), Metadata: metadata };
    await new Upload({ client, params }).done();
  } finally {
    client.destroy();
  }
}
