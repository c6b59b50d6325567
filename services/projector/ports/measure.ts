/** What became of an event, in figures. */
export type Measurement =
  /** It's in its document, which needn't have changed. */
  | { type: "projected"; videoId: number }
  /** The document changed `lagSeconds` after the event was announced. */
  | { type: "caught up"; videoId: number; lagSeconds: number };

/** Takes a measurement down. Not called for an attempt that failed: its retry tells what became of the event. */
export type Measure = (measurement: Measurement) => void;
