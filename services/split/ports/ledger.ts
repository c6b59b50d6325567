import type { Cut } from "#events-schema";
import type { SegmentObject } from "../../video/event-data.ts";
import type { VideoLedger } from "../../video/ports/video-ledger.ts";
import type { SegmentProof } from "../domain/proof.ts";

/** How a video is cut. */
export type CutChoice = { segmentSeconds: number; cut: Cut; outputKeyPrefix: string };

/** What is recorded of a video. Doesn't expire. */
export type Recalled = {
  /** How it's cut; undefined where no attempt has planned it yet. */
  choice: CutChoice | undefined;
  /** `VideoSplit` was accepted by the bus. */
  isSplit: boolean;
};

/** Records how a video is cut, and which of its segments are done. */
export type Ledger = VideoLedger & {
  /**
   * The first choice made for this video: a retry under other settings uses it too. `isFirst`:
   * there is no earlier attempt, so no segment exists.
   */
  choose(videoId: number, choice: CutChoice): Promise<{ choice: CutChoice; isFirst: boolean }>;
  recall(videoId: number): Promise<Recalled>;
  /**
   * Deletes the choice, so that the next attempt may make another one. Not for a video with an
   * announced segment.
   */
  release(videoId: number): Promise<void>;
  /**
   * Records when (epoch seconds) an invocation that had made segments ran out of time and left the
   * others to the next one.
   */
  recordProgress(videoId: number, at: number): Promise<void>;
  /**
   * What earlier attempts of the last 14 days have uploaded, by index. Throws `signal`'s reason.
   */
  delivered(videoId: number, segments: number, signal?: AbortSignal): Promise<Map<number, DeliveredSegment>>;
  /**
   * Records that a segment is stored, and later that it was announced: after a crash, the next
   * attempt continues there.
   */
  recordSegment(videoId: number, index: number, segment: DeliveredSegment): Promise<void>;
};

/** A segment in the output bucket, with what its announcement and the proof need. */
export type DeliveredSegment = { object: SegmentObject; proof: SegmentProof; announced: boolean };
