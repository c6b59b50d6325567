/** A segment in its bucket, to be read in ranges. */
export type StoredSegment = {
  bytes: number;
  /**
   * Bytes `start` to `end`, both included; those of a chunk may be gone when the next one is
   * requested. Throws where the object is no longer the one that was found, and where S3 fails for
   * good. Ends quietly when `signal` is aborted.
   */
  read(start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
};

/** Where segments are, and posters beside them. */
export type SegmentStore = {
  /** Undefined where there is no such object. Throws where it can't be looked at. */
  find(bucket: string, key: string, signal: AbortSignal): Promise<StoredSegment | undefined>;
  /** Resolves when the picture is durable. One with the same key is replaced. */
  writePicture(bucket: string, key: string, jpeg: Uint8Array, signal: AbortSignal): Promise<void>;
};
