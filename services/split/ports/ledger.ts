import type { Cost, Cut } from "#events-schema";
import type { SegmentObject } from "../../video/event-data.ts";
import type { VideoLedger } from "../../video/ports/video-ledger.ts";
import type { Usage } from "../../video/usage.ts";
import type { SegmentProof } from "../domain/proof.ts";
import type { SegmentRange } from "../domain/ranges.ts";

/** How a video is cut. */
export type CutChoice = { segmentSeconds: number; cut: Cut; outputKeyPrefix: string };

/** What is recorded of a video. Doesn't expire. */
export type Recalled = {
  /** How it's cut; undefined where no attempt has planned it yet. */
  choice: CutChoice | undefined;
  /** `VideoSplit` was accepted by the bus. */
  isSplit: boolean;
  /** Undefined while one invocation at a time cuts all of it. */
  ranges: RecordedRanges | undefined;
};

/** A video whose segments are cut by several invocations, each of which cuts one range. */
export type PlannedRanges = {
  /** In order; together all segments. */
  ranges: readonly SegmentRange[];
  /** Of the segments' container, without a dot: the same in all ranges. */
  extension: string;
  /** When the video's first invocation began. Epoch seconds. */
  begunAt: number;
};

/** `finished` has the ranges that are done, by their last segment. */
export type RecordedRanges = PlannedRanges & { finished: ReadonlyMap<number, FinishedRange> };

/**
 * A range whose segments are all announced. `undecodableFrom`: it has fewer, because nothing can be
 * decoded from this time on. Seconds from the first video frame.
 */
export type FinishedRange = { undecodableFrom: number | undefined };

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
   * announced segment, or with ranges.
   */
  release(videoId: number): Promise<void>;
  /**
   * Records when (epoch seconds) an invocation that had made segments ran out of time and left the
   * others to the next one.
   */
  recordProgress(videoId: number, at: number): Promise<void>;
  /** Adds to what invocations used for the video. Resolves with the sum. */
  recordUsage(videoId: number, usage: Usage): Promise<Usage>;
  /**
   * Records what the split cost, unless it's recorded. Resolves with what is: each announcement
   * says the same.
   */
  recordCost(videoId: number, cost: Cost): Promise<Cost>;
  /** Records the ranges, unless some are recorded. Resolves with those that are. */
  planRanges(videoId: number, planned: PlannedRanges): Promise<RecordedRanges>;
  /** Records that the range with this last segment is done. Resolves with all that are recorded. */
  finishRange(videoId: number, last: number, finished: FinishedRange): Promise<RecordedRanges>;
  /**
   * What earlier attempts of the last 14 days have uploaded of a range, by index. Throws `signal`'s
   * reason.
   */
  delivered(videoId: number, range: SegmentRange, signal?: AbortSignal): Promise<Map<number, DeliveredSegment>>;
  /**
   * Records that a segment is stored, and later that it was announced: after a crash, the next
   * attempt continues there.
   */
  recordSegment(videoId: number, index: number, segment: DeliveredSegment): Promise<void>;
};

/** A segment in the output bucket, with what its announcement and the proof need. */
export type DeliveredSegment = { object: SegmentObject; proof: SegmentProof; announced: boolean };
