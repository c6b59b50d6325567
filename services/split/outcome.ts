import type { RefusalReason, RejectionReason } from "#events-schema";

/** The outcome of one delivery of a request. */
export type SplitOutcome =
  | { outcome: "split"; VideoId: number; segments: number }
  | { outcome: "rejected"; VideoId: number; reason: RejectionReason }
  /** `SegmentRangeRequested` requests missing segments, the first of which is `firstSegment`. */
  | { outcome: "continued"; VideoId: number; firstSegment: number }
  /** Its range of a video is done; other invocations are making the others. */
  | { outcome: "range done"; VideoId: number }
  /** The object is split, in the requested way if there was one. */
  | { outcome: "already split"; VideoId: number }
  /** The object is, or is being, split in another way, which is kept. */
  | { outcome: "refused"; VideoId: number; reason: RefusalReason }
  | { outcome: "skipped"; why: string }
  /** Another delivery for the object is in progress, and does the same. */
  | { outcome: "done elsewhere" };
