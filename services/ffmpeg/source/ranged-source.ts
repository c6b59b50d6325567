/** An object that can be read in ranges. */
export type RangedSource = {
  /** Bytes. */
  size: number;
  /**
   * Yields bytes `start` to `end`, both inclusive, in chunks. Those of the source that is opened may
   * be gone when the next one is requested: `ReadAhead` copies them. Ends early, without an error, when
   * `signal` is aborted.
   */
  read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
};

/** A source that lends the bytes that it holds. */
export type LendingSource = RangedSource & {
  /** As `read`, but the bytes of a chunk are gone as soon as the next one is requested. */
  lend: RangedSource["read"];
};
