import type { PosterOutcome } from "../poster/make-poster.ts";
import type { Measurement as ProjectorMeasurement } from "../projector/ports/measure.ts";
import type { Reconciliation } from "../reconciler/reconcile.ts";
import type { RangesMeasured, Measurement as SplitMeasurement } from "../split/ports/measure.ts";
import type { Values } from "./metrics.ts";

/** The metrics of a measurement of the split use case. */
export function splitValues(measurement: SplitMeasurement): Values<"split"> {
  switch (measurement.type) {
    case "split": {
      const { videoId, segments, videoSeconds, videoBytes, splitSeconds } = measurement;
      const values = {
        VideosSplit: 1,
        SegmentsCreated: segments,
        VideoSeconds: videoSeconds,
        VideoBytes: videoBytes,
        SplitSeconds: splitSeconds,
        // The clock may have been set back.
        ...(splitSeconds > 0 && { RealTimeFactor: videoSeconds / splitSeconds }),
        ...rangeValues(measurement),
      };
      return { values, fields: { video_id: videoId } };
    }
    case "rejected":
      // The reason is a field and no dimension: with each of its values CloudWatch would count, and
      // charge for, another metric. An alarm needs only the sum. Count the reasons in the log:
      // filter VideosRejected = 1 | stats count(*) by reason
      return { values: { VideosRejected: 1 }, fields: { video_id: measurement.videoId, reason: measurement.reason } };
    case "continued":
      return {
        values: { SplitsContinued: 1, ...rangeValues(measurement) },
        fields: { video_id: measurement.videoId, segments: measurement.segments },
      };
    case "duplicate":
      return { values: { DuplicateDeliveries: 1 } };
  }
}

const rangeValues = ({ started, finishedAfter }: RangesMeasured) => ({
  ...(started > 0 && { RangesStarted: started }),
  ...(finishedAfter !== undefined && { RangesFinished: 1, RangeInvocations: finishedAfter }),
});

/** The metrics of a measurement of the projector. */
export function projectorValues(measurement: ProjectorMeasurement): Values<"projector"> {
  const fields = { video_id: measurement.videoId };
  switch (measurement.type) {
    case "projected":
      return { values: { EventsProjected: 1 }, fields };
    case "caught up":
      return { values: { EventsProjected: 1, ProjectionLag: measurement.lagSeconds }, fields };
  }
}

/**
 * The metrics of a run of the reconciler: usually none, because CloudWatch charges for zeros too.
 */
export function reconcilerValues(run: Reconciliation): Values<"reconciler"> {
  if (run.outcome === "busy") return { values: {} };
  const { cleared, failures } = run.deadLetters;
  const { requested, givenUp } = run.outcome === "reconciled" ? run : { requested: 0, givenUp: 0 };
  return {
    values: {
      ...(requested > 0 && { UploadsRequestedAgain: requested }),
      ...(givenUp > 0 && { UploadsGivenUp: givenUp }),
      ...(cleared > 0 && { DeadLettersCleared: cleared }),
      ...(failures > 0 && { ClearingFailures: failures }),
    },
  };
}

/** What an invocation of the poster function is in metrics. */
export const posterValues = (videoId: number, { outcome }: PosterOutcome): Values<"poster"> => ({
  values: outcome === "made" ? { PostersCreated: 1 } : { SegmentsWithoutPoster: 1 },
  fields: { video_id: videoId },
});
