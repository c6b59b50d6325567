import type { Made } from "#events-schema";

/**
 * What an exact cut makes. Frames have two orders. A *packet* is counted in decode order, as the
 * container stores it; a *rank* in presentation order, among the frames that are shown. With B-frames
 * they differ.
 */

/** Frames by rank, `from` included and `to` not. */
export type Ranks = { from: number; to: number };

/** A stretch of packets in decode order, `from` included and `to` not. */
export type Packets = { from: number; to: number };

export type ExactSegment = {
  index: number;
  /** k times the segment length, from the first frame. */
  requestedStart: number;
  requestedEnd: number;
  /**
   * Seconds from the video's first frame to this segment's first one, and to the end of its last.
   */
  start: number;
  end: number;
  /** All of its frames. */
  ranks: Ranks;
  /**
   * Encoded frames before the copied ones. Empty where the segment starts on a keyframe; everything
   * where nothing is copied.
   */
  head: Ranks;
  /**
   * Starts on a keyframe. Packets in it that are shown before that keyframe belong to the head, and
   * aren't copied.
   */
  copied: Packets | undefined;
  /**
   * Encoded frames after the copied ones: those that need a frame of the next segment to be
   * decoded.
   */
  tail: Ranks;
  /** No frame of it can be decoded: it's copied, from any packet on. Default: no. */
  isUndecodable?: boolean;
};

/** Of which frames a segment consists. */
export type Parts = Pick<ExactSegment, "head" | "copied" | "tail">;

/**
 * One decoding: packets from a keyframe on, and the frames of them that are encoded again, in
 * order.
 */
export type EncodeJob = { packets: Packets; parts: Ranks[] };

export type ExactPlan = {
  /** At most MAX_SEGMENTS + 1: enough to know that there are too many. */
  segments: ExactSegment[];
  jobs: EncodeJob[];
  /** In all segments. */
  frames: number;
  /**
   * Frames that no decoder can show: they come before the first keyframe, or need frames from
   * before it.
   */
  undecodable: number;
  /** Seconds from the first frame to the end of the last. */
  duration: number;
  /** On the source's clock. */
  origin: number;
  /** The packet of each rank. */
  packetOf: Int32Array;
  /** The rank of each packet; -1 where it isn't shown. */
  rankOf: Int32Array;
};

/**
 * The plan if packets' times aren't those of frames (fields in separate packets, frames that are
 * never shown): only where segments start. Then the decoded frames are counted.
 */
export type WindowPlan = {
  segments: Pick<ExactSegment, "index" | "requestedStart" | "requestedEnd" | "start" | "end">[];
  jobs: undefined;
  /** Packets, not frames. */
  frames: number;
  undecodable: 0;
  duration: number;
  origin: number;
};

export const isEmpty = ({ from, to }: Ranks): boolean => from >= to;

export function madeOf({ head, copied, tail }: Parts): Made {
  if (copied === undefined) return "encoded";
  return isEmpty(head) && isEmpty(tail) ? "copied" : "stitched";
}
