/** S3's limit. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const MAX_KEY_BYTES = 1_024;

/** The name is in the file name, and in the prefix once for each template. */
const MAX_NAME_BYTES = 200;

/** Of the containers that segments are written in: "m2ts", "webm". */
const MAX_EXTENSION_BYTES = 4;

/** The index is padded to the number of digits of the largest one. */
const INDEX_DIGITS = 5;

/** Templates that an output prefix may hold. */
const TEMPLATES = ["{video_name}", "{video_id}"];

/** Characters that break listings and log lines, and that S3 advises against in keys. */
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** Consoles, SDKs and file systems resolve these instead of treating them as names. */
const isDots = (name: string): boolean => name === "." || name === "..";

const underscores = (name: string): string => "_".repeat(name.length);

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** Shortens a name to a number of UTF-8 bytes, not inside a character. */
export function shortened(name: string, bytes = MAX_NAME_BYTES): string {
  let length = 0;
  let kept = "";
  for (const character of name) {
    length += bytesOf(character);
    if (length > bytes) break;
    kept += character;
  }
  return kept;
}

export type SegmentName = { videoName: string; videoId: number; index: number; extension: string };

/** A video's name in keys. `uploads/...mp4` has the name `..`, which becomes `__`. */
function keyName(videoName: string): string {
  const name = shortened(videoName.replace(CONTROL_CHARACTERS, "_"));
  return isDots(name) ? underscores(name) : name;
}

/**
 * `NAME-VIDEOID-00000`: the id distinguishes two uploads of one name, and with padding segments are
 * listed in order.
 */
export const segmentName = ({ videoName, videoId, index }: Omit<SegmentName, "extension">): string =>
  `${keyName(videoName)}-${videoId}-${String(index).padStart(INDEX_DIGITS, "0")}`;

/**
 * The key of a segment. `{video_name}` and `{video_id}` in the prefix are filled in; no part of the
 * key between two slashes is `.` or `..`, whatever the name.
 */
export function segmentKey(prefixTemplate: string, segment: SegmentName): string {
  const values: Record<string, string> = {
    "{video_name}": keyName(segment.videoName),
    "{video_id}": String(segment.videoId),
  };
  const prefix = prefixTemplate.replace(/\{video_(?:name|id)\}/g, (template) => values[template] ?? template);
  const folders = prefix.split("/").map((folder) => (isDots(folder) ? underscores(folder) : folder));
  return `${folders.join("/")}${segmentName(segment)}.${segment.extension}`;
}

/** What is wrong with an output prefix, to append to its name; undefined: nothing. */
export function prefixFault(template: string): string | undefined {
  if (template.startsWith("/")) return "must not start with '/': S3 keys have no leading slash";
  const unknown = (template.match(/\{[^}]*\}/g) ?? []).find((found) => !TEMPLATES.includes(found));
  if (unknown !== undefined) return `may hold ${TEMPLATES.join(" and ")} and no other {…}`;
  if (template.split("/").some(isDots)) return "must not hold '.' or '..' between slashes";
  if (!template.isWellFormed() || template.search(CONTROL_CHARACTERS) !== -1)
    return "must not contain control characters or unpaired surrogates";
  return undefined;
}

/** The maximum length in bytes of a segment's key of this video, for any segment and container. */
export const maxKeyBytes = (prefixTemplate: string, video: Pick<SegmentName, "videoName" | "videoId">): number =>
  bytesOf(segmentKey(prefixTemplate, { ...video, index: 0, extension: "x".repeat(MAX_EXTENSION_BYTES) }));
