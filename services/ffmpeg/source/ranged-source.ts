/** An object that can be read in ranges. */
export type RangedSource = {
  /** Bytes. */
  size: number;
  /**
   * Bytes `start` to `end`, both included, as they come. Ends early and quietly when `signal` is
   * aborted.
   */
  read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
};
