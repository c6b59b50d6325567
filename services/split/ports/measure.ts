import type { RejectionReason } from "#events-schema";

/** The result of a delivery, in figures. */
export type Measurement =
  | {
      type: "split";
      videoId: number;
      segments: number;
      /** From the first video frame to the end of the last. */
      videoSeconds: number;
      /** Of the source. */
      videoBytes: number;
      /** Of the clock, for the attempt that succeeded. */
      splitSeconds: number;
    }
  /** Time ran out, and another invocation goes on. `segments`: made by this one. */
  | { type: "continued"; videoId: number; segments: number }
  | { type: "rejected"; videoId: number; reason: RejectionReason }
  /** Nothing was done: another delivery has split the upload, or is splitting it. */
  | { type: "duplicate" };

/** Records a measurement. Not called for an attempt that failed: its retry records one. */
export type Measure = (measurement: Measurement) => void;
