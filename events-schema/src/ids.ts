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
