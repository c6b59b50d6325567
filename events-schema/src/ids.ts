import type { EventType } from "./catalog.ts";

/** Ids in a video's block: its own, and one for each segment. */
export const BLOCK_SIZE = 2 ** 14;

/** The maximum number of segments of a video: the ids of its block without its own. */
export const MAX_SEGMENTS = BLOCK_SIZE - 1;

/** The id of segment `index` (from 0) of the video `videoId`. */
export const segmentId = (videoId: number, index: number): number => videoId + 1 + index;

/**
 * The ids of a split video's segments in order, from `VideoSplit`'s `VideoId` and `segment_count`.
 */
export const segmentIds = (videoId: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => segmentId(videoId, index));

/**
 * SHA-256 of a text. In Node.js: `(text) => createHash("sha256").update(text).digest()`. This
 * package imports nothing of Node's.
 */
export type Hash = (text: string) => Uint8Array;

/**
 * A UUID (version 8: custom) made from a text: the same for the same text. RFC 9562, section 5.8.
 */
export function uuidOf(text: string, hash: Hash): string {
  const digest = Array.from(hash(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `a${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}

/**
 * The id of an event about one upload. `distinction` separates it from others of its type: it is
 * what the event says, and never when or how often it is announced.
 */
export const eventId = (
  correlationId: string,
  type: EventType,
  distinction: string | number | undefined,
  hash: Hash,
): string => uuidOf(JSON.stringify([correlationId, type, distinction ?? null]), hash);
