import { isForbidden, SourceUnavailableError } from "../video/errors.ts";
import type { StoredObject, StoredObjects } from "../video/ports/stored-objects.ts";
import { isVersion, type Source } from "../video/source.ts";
import type { SplitRequest } from "./requests.ts";

/** The object that a request means. */
export type FoundSource = {
  source: Source;
  /**
   * S3's description of it. Undefined if there is none, or if it describes another object than the
   * requested one.
   */
  stored: StoredObject | undefined;
  /** Why its bytes can't be read, if the reason isn't only that it doesn't exist. */
  unavailable: SourceUnavailableError | undefined;
};

/**
 * Looks the object up. A forbidden object that was requested by name is the requester's error,
 * which `unavailable` reports. A forbidden object in an upload's own event is an error in this
 * service's configuration: then it throws `SourceUnavailableError`. Also throws retryable errors.
 */
export async function findSource(
  request: SplitRequest,
  store: StoredObjects,
  signal: AbortSignal,
): Promise<FoundSource> {
  const { bucket, key, etag, versionId, explicit } = request;
  const meant = (described?: Source): Source => ({
    bucket,
    key,
    etag: etag ?? described?.etag ?? "",
    versionId: versionId ?? described?.versionId,
  });
  // The name was shortened, and another object may have the short name.
  if (request.fault?.isOfName) return { source: meant(), stored: undefined, unavailable: undefined };
  let stored: StoredObject | undefined;
  try {
    stored = await store.describe(bucket, key, versionId, signal);
  } catch (error) {
    if (!(error instanceof SourceUnavailableError) || (isForbidden(error) && !explicit)) throw error;
    return { source: meant(), stored: undefined, unavailable: error };
  }
  if (stored !== undefined && etag !== undefined && stored.source.etag !== etag && !isVersion(versionId)) {
    const message =
      `s3://${bucket}/${key} was overwritten before it could be split. ` +
      "The new object is split on its own upload event.";
    return { source: meant(), stored: undefined, unavailable: new SourceUnavailableError("SourceChanged", message) };
  }
  return { source: meant(stored?.source), stored, unavailable: stored?.unavailable };
}
