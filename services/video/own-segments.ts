import { type Hash, uuidOf } from "./ids.ts";

/** User metadata of a segment. */
export const PARENT = "video-split-parent";
const INDEX = "video-split-segment-index";
/** Computed from the other two and the object's size. */
const MARK = "video-split-mark";

type StoredSegment = { metadata: Readonly<Record<string, string>>; bytes: number };

const markOf = (parent: string, index: string, bytes: number, hash: Hash): string =>
  uuidOf(JSON.stringify(["segment", parent, index, bytes]), hash);

/**
 * The metadata by which the service recognizes its own segments, also where they are copied to, so
 * that it never splits one.
 */
export function segmentMetadata(videoId: number, index: number, bytes: number, hash: Hash): Record<string, string> {
  const [parent, position] = [String(videoId), String(index)];
  return { [PARENT]: parent, [INDEX]: position, [MARK]: markOf(parent, position, bytes, hash) };
}

/**
 * The VideoId, as text, of the video that an object is a segment of; undefined where this service
 * didn't make it. An object isn't a segment because of an uploader's own `video-split-parent`, or
 * of a segment's metadata on another object.
 */
export function parentOf({ metadata, bytes }: StoredSegment, hash: Hash): string | undefined {
  const { [PARENT]: parent, [INDEX]: index, [MARK]: mark } = metadata;
  if (parent === undefined || index === undefined) return undefined;
  return mark === markOf(parent, index, bytes, hash) ? parent : undefined;
}
