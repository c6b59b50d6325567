import type { Source } from "../split/domain/source.ts";

/** An object of the upload bucket, as its listing tells of it. */
export type ListedUpload = {
  source: Source;
  bytes: number;
  /** Epoch seconds. */
  uploadedAt: number;
};

/** The upload bucket. */
export type Uploads = {
  /** All versions of all objects below a prefix, a page at a time. */
  list(bucket: string, prefix: string, signal: AbortSignal): AsyncIterable<ListedUpload[]>;
};

/** How often an upload without an end was asked for again, and when last (epoch seconds). */
export type Requests = { requests: number; lastRequestAt: number | undefined };

/** What the ledger knows of uploads, by their identity. */
export type UploadLedger = {
  /** Epoch seconds of the first call ever: what was uploaded before is none of this service's business. */
  beginning(now: number): Promise<number>;
  /** Whether the upload was split or rejected. */
  hasEnded(identity: string): Promise<boolean>;
  requestsFor(identity: string): Promise<Requests>;
  countRequest(identity: string, now: number): Promise<void>;
};

/** What one run came to. */
export type Reconciliation = {
  /** Uploads of the right age. */
  seen: number;
  unfinished: number;
  requested: number;
  givenUp: number;
  /** False where the time ran out first: the next run begins anew. */
  complete: boolean;
};
