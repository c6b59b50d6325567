import type { Source } from "../source.ts";

/** What S3 knows of an object without reading it. */
export type StoredObject = {
  source: Source;
  bytes: number;
  /** User metadata, names in lower case without `x-amz-meta-`. */
  metadata: Readonly<Record<string, string>>;
};

/** Objects in S3, looked at without being read. */
export type StoredObjects = {
  /** Undefined where there is no such object or version. Throws `SourceUnavailableError` where it may not be read. */
  describe(bucket: string, key: string, versionId?: string): Promise<StoredObject | undefined>;
};
