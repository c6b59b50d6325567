import type { SourceUnavailableError } from "../errors.ts";
import type { Source } from "../source.ts";

/** S3's data about an object, without its bytes. */
export type StoredObject = {
  source: Source;
  bytes: number;
  /** User metadata, names in lower case without `x-amz-meta-`. */
  metadata: Readonly<Record<string, string>>;
  /** Why its bytes can't be read, if that is known, for example because it's archived. */
  unavailable?: SourceUnavailableError | undefined;
};

/** Descriptions of objects in S3, without their bytes. */
export type StoredObjects = {
  /**
   * Undefined where there is no such object or version. Throws `SourceUnavailableError` where it
   * can't be looked at (forbidden, in another region, encrypted with a key of the uploader's),
   * `SourceFetchError` where S3 fails, and `signal`'s reason.
   */
  describe(bucket: string, key: string, versionId?: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
};
