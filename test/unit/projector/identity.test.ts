import { describe, expect, it } from "vitest";
import { BLOCK_SIZE, MAX_SEGMENTS } from "#events-schema";
import { documentId, InconsistentEventError } from "../../../services/projector/domain/identity.ts";
import { announced, plannedData, segmentData, splitData, UPLOAD } from "./events-of-a-run.ts";

describe("the document that an event is about", () => {
  it("is the upload's, or the segment's in the upload's block", () => {
    expect(documentId(announced("SplitPlanned", 0, plannedData()))).toBe(UPLOAD);
    expect(documentId(announced("SegmentCreated", 0, segmentData(2)))).toBe(UPLOAD + 3);
  });

  it.each([
    ["an upload inside a block", announced("SplitPlanned", 0, plannedData({ VideoId: UPLOAD + 1 }))],
    [
      "a segment of an upload inside a block",
      announced("SegmentCreated", 0, segmentData(0, { parent_video: UPLOAD - 1 })),
    ],
    [
      "a segment whose id is another segment's",
      announced("SegmentCreated", 0, segmentData(0, { VideoId: UPLOAD + 2 })),
    ],
    [
      "a segment in the next block",
      announced("SegmentCreated", 0, segmentData(MAX_SEGMENTS, { VideoId: UPLOAD + BLOCK_SIZE })),
    ],
    ["more segments than a block holds", announced("VideoSplit", 0, splitData({ segment_count: BLOCK_SIZE }))],
  ])("given %s, then it throws", (_, event) => {
    expect(() => documentId(event)).toThrow(InconsistentEventError);
  });

  it("given the most segments that a block holds, then it doesn't throw", () => {
    expect(documentId(announced("VideoSplit", 0, splitData({ segment_count: MAX_SEGMENTS })))).toBe(UPLOAD);
    expect(documentId(announced("SegmentCreated", 0, segmentData(MAX_SEGMENTS - 1)))).toBe(UPLOAD + MAX_SEGMENTS);
  });
});
