import type { Source } from "../../video/source.ts";
import type { Place } from "../domain/passes.ts";

/** An object of the upload bucket, as S3 lists it. */
export type ListedUpload = {
  source: Source;
  bytes: number;
  /** Epoch seconds; of a multipart upload, the time at which it was begun. */
  uploadedAt: number;
};

/** The answer to one LIST call. */
export type ListedPage = {
  uploads: ListedUpload[];
  /** Where the next page begins; undefined where this is the last one. */
  next: Place | undefined;
};

/** The upload bucket. */
export type Uploads = {
  /**
   * All versions of all objects below a prefix, a page at a time, from `place` or else from the
   * first key: in the keys' order, the newest version of each first. Throws `signal`'s reason.
   */
  list(bucket: string, prefix: string, place: Place | undefined, signal: AbortSignal): AsyncIterable<ListedPage>;
};
