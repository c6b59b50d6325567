import type { RejectionReason } from "#events-schema";

/** What an invocation did for a video that is divided into ranges. */
export type RangesMeasured = {
  /** It divided the video into so many. */
  started: number;
  /** It finished one, on which so many invocations worked one after another. */
  finishedAfter: number | undefined;
};

/** The result of a delivery, in figures. */
export type Measurement =
  | ({
      type: "split";
      videoId: number;
      segments: number;
      /** From the first video frame to the end of the last. */
      videoSeconds: number;
      /** Of the source. */
      videoBytes: number;
      /**
       * Of the clock: for the attempt that succeeded, or since the first invocation of a video in
       * ranges began.
       */
      splitSeconds: number;
    } & RangesMeasured)
  /** Other invocations make the rest. `segments`: made by this one. */
  | ({ type: "continued"; videoId: number; segments: number } & RangesMeasured)
  | { type: "rejected"; videoId: number; reason: RejectionReason }
  /** Nothing was done: another delivery has split the upload, or is splitting it. */
  | { type: "duplicate" };

/** Records a measurement. Not called for an attempt that failed: its retry records one. */
export type Measure = (measurement: Measurement) => void;
