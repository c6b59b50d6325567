/** What became of an event, in figures. */
export type Measurement =
  /** It's in its document, which needn't have changed. */
  | { type: "projected"; videoId: number }
  /** The document changed `lagSeconds` after the event was announced. */
  | { type: "caught up"; videoId: number; lagSeconds: number };

/** Records a measurement. Not called for an attempt that failed: its retry records one. */
export type Measure = (measurement: Measurement) => void;
