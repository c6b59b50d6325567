/** The outcome of an event, as numbers. */
export type Measurement =
  /** It is in its document, which may not have changed. */
  | { type: "projected"; videoId: number }
  /** The document changed `lagSeconds` after the event was announced. */
  | { type: "caught up"; videoId: number; lagSeconds: number };

/** Records a measurement. Not called for an attempt that failed: its retry records one. */
export type Measure = (measurement: Measurement) => void;
