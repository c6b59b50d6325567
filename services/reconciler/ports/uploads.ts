import type { Source } from "../../video/source.ts";

/** An object of the upload bucket, as its listing tells of it. */
export type ListedUpload = {
  source: Source;
  bytes: number;
  /** Epoch seconds. */
  uploadedAt: number;
};

/** The upload bucket. */
export type Uploads = {
  /**
   * All versions of all objects below a prefix, a page at a time: in the keys' order, the newest
   * version of each first. Throws `signal`'s reason.
   */
  list(bucket: string, prefix: string, signal: AbortSignal): AsyncIterable<ListedUpload[]>;
};
