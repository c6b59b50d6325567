import type { RejectionReason } from "#events-schema";

/** What a delivery came to, in figures. */
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
  | { type: "rejected"; videoId: number; reason: RejectionReason }
  /** Nothing was done: another delivery has split the upload, or is splitting it. */
  | { type: "duplicate" };

/** Takes a measurement down. Not called for an attempt that failed: its retry tells what the delivery came to. */
export type Measure = (measurement: Measurement) => void;
