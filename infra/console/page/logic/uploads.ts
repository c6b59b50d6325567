/** A file that is being uploaded by this page. */
export type UploadState =
  | { state: "queued" }
  | { state: "sending"; sent: number }
  | { state: "failed"; message: string };

/** S3 takes one PUT of this many bytes at most. */
export const MAX_PUT_BYTES = 5 * 1_024 ** 3;

/** Why a file isn't uploaded, and what to do; undefined where it is. */
export function uploadFault(
  { name, size }: { name: string; size: number },
  extensions: readonly string[],
): string | undefined {
  if (!extensions.some((extension) => name.toLowerCase().endsWith(`.${extension}`)))
    return `Its extension isn't one that is split. Accepted are ${extensions.join(", ")}; video_split.accepted_extensions adds others.`;
  if (size > MAX_PUT_BYTES) return "It is larger than 5 GiB: upload it with the AWS CLI.";
  return undefined;
}

const MIN_SECONDS = 0.5;
const MAX_SECONDS = 86_400;

/** What is wrong with a segment length that was typed; undefined where it can be used. */
export function lengthFault(text: string): string | undefined {
  const seconds = Number(text);
  const isLength = text.trim() !== "" && seconds >= MIN_SECONDS && seconds <= MAX_SECONDS;
  return isLength ? undefined : `A segment has ${MIN_SECONDS} to ${MAX_SECONDS} seconds`;
}
