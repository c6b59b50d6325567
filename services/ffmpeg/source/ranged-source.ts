/** An object that can be read in ranges. */
export type RangedSource = {
  /** Bytes. */
  size: number;
  /**
   * Yields bytes `start` to `end`, both inclusive, in chunks. Ends early, without an error, when
   * `signal` is aborted.
   */
  read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
};
