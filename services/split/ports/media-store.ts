import type { StoredObjects } from "../../video/ports/stored-objects.ts";
import type { Source } from "../../video/source.ts";

export type SegmentUpload = {
  /** File on local disk. */
  path: string;
  bucket: string;
  key: string;
  contentType: string;
  metadata: Readonly<Record<string, string>>;
  signal: AbortSignal;
};

/** The upload and the segments bucket. */
export type MediaStore = StoredObjects & {
  /**
   * Bytes `start` to `end`, both included, in order. The bytes of a chunk may be gone when the next
   * one is requested: copy what you keep. Throws `SourceUnavailableError` where the
   * object is no longer the one that was described or can't be read, and `SourceFetchError` where
   * S3 stalls or keeps failing. Ends without an error when `signal` is aborted.
   */
  read(source: Source, start: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Resolves when the object is durable, with its checksum: `sha256:` and what `sha256sum` prints.
   * Throws `signal`'s reason.
   */
  upload(segment: SegmentUpload): Promise<string>;
};
