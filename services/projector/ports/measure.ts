/** The outcome of an event, as numbers. */
export type Measurement =
  /** Its document contains it, whether or not it changed. */
  | { type: "projected"; videoId: number }
  /** The document changed `lagSeconds` after the event was announced. */
  | { type: "caught up"; videoId: number; lagSeconds: number };

/** Records a measurement. Not called for an attempt that failed: its retry records one. */
export type Measure = (measurement: Measurement) => void;
