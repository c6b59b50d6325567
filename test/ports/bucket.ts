import type { Uploads } from "../../services/reconciler/ports/uploads.ts";
import type { MediaStore } from "../../services/split/ports/media-store.ts";

export type StoredContent = { metadata?: Record<string, string>; storageClass?: "GLACIER" };

/** A bucket of a contract's own: what the ports say of it, and what others do to it. */
export type OpenBucket = {
  bucket: string;
  store: MediaStore;
  uploads: Uploads;
  put(key: string, content: Uint8Array | string, options?: StoredContent): Promise<void>;
  remove(key: string): Promise<void>;
  /** Takes the service's permission to read an object. */
  forbid(key: string): void;
};

/** Opens a bucket, with versions or without. */
export type OpenBucketOf = (kind: { isVersioned: boolean }) => Promise<OpenBucket>;

export const PLAIN = { isVersioned: false };
export const VERSIONED = { isVersioned: true };
