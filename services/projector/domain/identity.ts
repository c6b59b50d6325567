import { BLOCK_SIZE, MAX_SEGMENTS, segmentId, type VideoSplitEvent } from "#events-schema";

/** The events that say something about a document. */
export type DocumentEvent = Exclude<VideoSplitEvent, { type: (typeof OTHERS)[number] }>;

/** Requests and their refusals. */
const OTHERS = ["SplitRequested", "SegmentRangeRequested", "RequestRefused"] as const;

/** Whether an event changes a document. */
export const isDocumentEvent = (event: VideoSplitEvent): event is DocumentEvent =>
  !(OTHERS as readonly string[]).includes(event.type);

/**
 * An event whose ids contradict each other. Folding it could overwrite another video's document.
 */
export class InconsistentEventError extends Error {
  override name = "InconsistentEventError";
}

/**
 * The VideoId of the document that an event is about. Uploads start a block of ids and segments are
 * in it, so no two documents share an id. Throws `InconsistentEventError` for an event that breaks
 * this rule.
 */
export function documentId({ type, data }: DocumentEvent): number {
  const fault = (says: string) => new InconsistentEventError(`${type} ${data.VideoId} is inconsistent: ${says}`);
  const upload = "parent_video" in data ? data.parent_video : data.VideoId;
  if (upload % BLOCK_SIZE !== 0) throw fault(`the upload's id ${upload} is no multiple of ${BLOCK_SIZE}`);
  if ("parent_video" in data) {
    if (data.segment_index >= MAX_SEGMENTS) throw fault(`a video has at most ${MAX_SEGMENTS} segments`);
    const expected = segmentId(upload, data.segment_index);
    if (data.VideoId !== expected) throw fault(`segment ${data.segment_index} of ${upload} has the id ${expected}`);
  }
  if (type === "VideoSplit" && data.segment_count > MAX_SEGMENTS) {
    throw fault(`a video has at most ${MAX_SEGMENTS} segments, not ${data.segment_count}`);
  }
  return data.VideoId;
}
