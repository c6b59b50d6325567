/**
 * S3 keys have 1,024 bytes. A name stands up to twice in a key (in the prefix and in the file name), so it may take
 * this many in each place beside a prefix of 400 characters.
 */
const LONGEST_NAME_BYTES = 200;

/** Cuts a name to a number of UTF-8 bytes, never inside a character. */
export function shortened(name: string, bytes = LONGEST_NAME_BYTES): string {
  const encoder = new TextEncoder();
  let length = 0;
  let kept = "";
  for (const character of name) {
    length += encoder.encode(character).length;
    if (length > bytes) break;
    kept += character;
  }
  return kept;
}

export type SegmentName = { videoName: string; videoId: number; index: number; extension: string };

/** `NAME-VIDEOID-00000`: the id keeps two uploads of one name apart, the padding lists segments in order. */
export const segmentName = ({ videoName, videoId, index }: Omit<SegmentName, "extension">): string =>
  `${shortened(videoName)}-${videoId}-${String(index).padStart(5, "0")}`;

/** The key of a segment. `{video_name}` and `{video_id}` in the prefix are filled in. */
export function segmentKey(prefixTemplate: string, segment: SegmentName): string {
  const values: Record<string, string> = {
    "{video_name}": shortened(segment.videoName),
    "{video_id}": String(segment.videoId),
  };
  const prefix = prefixTemplate.replace(/\{video_(?:name|id)\}/g, (template) => values[template] ?? template);
  return `${prefix}${segmentName(segment)}.${segment.extension}`;
}

/** Metadata by which the service knows its own output, so that no segment is ever split again. Its value: the parent's id. */
export const OUTPUT_MARKER = "video-split-parent";
