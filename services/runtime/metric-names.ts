/**
 * The metrics that the functions write to CloudWatch, as plain data: dashboards and alarms import
 * only this module.
 *
 * Each metric has one dimension, `service`, and no ids: CloudWatch charges for each metric, and
 * each further value of a dimension makes another one.
 * https://aws.amazon.com/cloudwatch/pricing/
 */

/** The only dimension of each metric; its value is the service's name. */
export const SERVICE_DIMENSION = "service";

/** Units as CloudWatch names them. */
export type Metric = { readonly name: string; readonly unit: "Count" | "Seconds" | "Bytes" | "None" };

/** Of the function "split". An attempt that fails and is retried writes none. */
const split = {
  /** Videos that were split completely. */
  VideosSplit: { name: "VideosSplit", unit: "Count" },
  /**
   * Videos that can't be split, again with each delivery of the upload. The reason is in the field
   * `reason` of the metric's log line: see services/runtime/measurements.ts.
   */
  VideosRejected: { name: "VideosRejected", unit: "Count" },
  /**
   * Deliveries that did nothing: their upload was split before, or another delivery was splitting
   * it.
   */
  DuplicateDeliveries: { name: "DuplicateDeliveries", unit: "Count" },
  /** Invocations that made segments, and left the others to other invocations. */
  SplitsContinued: { name: "SplitsContinued", unit: "Count" },
  /** Ranges that videos were divided into, because one invocation wasn't enough. */
  RangesStarted: { name: "RangesStarted", unit: "Count" },
  /** Ranges whose segments were all announced. The difference is in progress, or a dead letter. */
  RangesFinished: { name: "RangesFinished", unit: "Count" },
  /** Invocations that worked on a range, one after another; one value for each finished range. */
  RangeInvocations: { name: "RangeInvocations", unit: "Count" },
  /** Segments of a video that was split. */
  SegmentsCreated: { name: "SegmentsCreated", unit: "Count" },
  /** Duration of a video that was split, from its first frame to the end of its last. */
  VideoSeconds: { name: "VideoSeconds", unit: "Seconds" },
  /** Size of the upload of a video that was split. */
  VideoBytes: { name: "VideoBytes", unit: "Bytes" },
  /**
   * Wall-clock time of a split: of the attempt that succeeded, or, of a video in ranges, since its
   * first invocation began.
   */
  SplitSeconds: { name: "SplitSeconds", unit: "Seconds" },
  /**
   * Seconds of a video that were split in a second, one value for each video. Seconds per second
   * have no unit.
   */
  RealTimeFactor: { name: "RealTimeFactor", unit: "None" },
} as const satisfies Record<string, Metric>;

/** Of the function "projector". */
const projector = {
  /** Events that are in their documents: they changed one, or had changed it before. */
  EventsProjected: { name: "EventsProjected", unit: "Count" },
  /**
   * From the announcement of an event (its `occurredAt`) to the change of its document. Only where
   * the document changed.
   */
  ProjectionLag: { name: "ProjectionLag", unit: "Seconds" },
} as const satisfies Record<string, Metric>;

/** Of the function "reconciler". */
const reconciler = {
  /** Uploads that did not finish and were requested again. */
  UploadsRequestedAgain: { name: "UploadsRequestedAgain", unit: "Count" },
  /** Uploads that did not finish after they were requested again. An alarm watches it. */
  UploadsGivenUp: { name: "UploadsGivenUp", unit: "Count" },
  /**
   * Dead letters that were deleted: their event waited too long, and its upload was split by
   * another one.
   */
  DeadLettersCleared: { name: "DeadLettersCleared", unit: "Count" },
  /**
   * Failures to receive, examine, delete or release dead letters, which stay in their queue. The
   * reason is in the log.
   */
  ClearingFailures: { name: "ClearingFailures", unit: "Count" },
} as const satisfies Record<string, Metric>;

/** Of the function "poster". */
const poster = {
  /** Pictures that were written, again with each delivery of the segment. */
  PostersCreated: { name: "PostersCreated", unit: "Count" },
  /** Segments that were deleted, or of which no frame can be decoded. The log says which. */
  SegmentsWithoutPoster: { name: "SegmentsWithoutPoster", unit: "Count" },
} as const satisfies Record<string, Metric>;

/** All metrics by the service that writes them. */
export const METRICS = { split, projector, reconciler, poster } as const;

/** Also the value of `SERVICE_DIMENSION`. */
export type Service = keyof typeof METRICS;
/** Names of a service's metrics. */
export type MetricName<S extends Service> = keyof (typeof METRICS)[S] & string;
