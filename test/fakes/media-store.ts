import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { unavailable } from "../../services/aws/source-faults.ts";
import type { Place } from "../../services/reconciler/domain/passes.ts";
import type { Uploads } from "../../services/reconciler/ports/uploads.ts";
import type { MediaStore } from "../../services/split/ports/media-store.ts";
import { SourceFetchError, type SourceUnavailableError } from "../../services/video/errors.ts";
import type { StoredObject } from "../../services/video/ports/stored-objects.ts";
import type { Source } from "../../services/video/source.ts";

export type PutOptions = {
  metadata?: Record<string, string>;
  storageClass?: "STANDARD" | "GLACIER";
  /** Epoch seconds. */
  uploadedAt?: number;
};

type Version = { source: Source; content: Uint8Array | "delete marker" } & Required<PutOptions>;

/** Bytes of one piece of a read. */
const CHUNK_BYTES = 2 ** 16;

/** Fewer than S3's thousand, so that tests have several pages. */
const PAGE_SIZE = 2;

const inKeyOrder = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Index of the first version after a place, whether or not what was there still is. */
function startAfter(listed: readonly { source: Source }[], { key, versionId }: Place): number {
  const at = listed.findIndex(({ source }) => source.key === key && (source.versionId ?? "null") === versionId);
  if (at !== -1) return at + 1;
  const isAfter = versionId === undefined ? 1 : 0;
  const after = listed.findIndex(({ source }) => inKeyOrder(source.key, key) >= isAfter);
  return after === -1 ? listed.length : after;
}

const digest = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest("hex");

/**
 * Buckets in memory, as the split service reads and writes them and as the reconciler lists them.
 */
export function fakeMediaStore({ isVersioned = false, pageSize = PAGE_SIZE } = {}) {
  /** By bucket and key, the newest first. */
  const objects = new Map<string, Version[]>();
  const forbidden = new Set<string>();
  let versions = 0;

  const nameOf = (bucket: string, key: string): string => `${bucket}/${key}`;
  const versionsOf = (bucket: string, key: string): Version[] => objects.get(nameOf(bucket, key)) ?? [];

  const add = (bucket: string, key: string, content: Version["content"], options: PutOptions): Source => {
    versions += 1;
    const etag = content === "delete marker" ? "" : digest("md5", content);
    const versionId = isVersioned ? String(versions).padStart(32, "v") : undefined;
    const { metadata = {}, storageClass = "STANDARD", uploadedAt = Math.floor(Date.now() / 1_000) } = options;
    const version = { source: { bucket, key, etag, versionId }, content, metadata, storageClass, uploadedAt };
    objects.set(nameOf(bucket, key), isVersioned ? [version, ...versionsOf(bucket, key)] : [version]);
    return version.source;
  };

  const find = (bucket: string, key: string, versionId?: string) => {
    const found = versionsOf(bucket, key).find(
      ({ source }) => versionId === undefined || source.versionId === versionId,
    );
    if (found === undefined || found.content === "delete marker") return undefined;
    return { ...found, content: found.content };
  };

  const archived = ({ source, storageClass }: Version): SourceUnavailableError | undefined =>
    storageClass === "GLACIER" ? unavailable("SourceArchived", source, storageClass) : undefined;

  const refuseForbidden = (object: { bucket: string; key: string }): void => {
    if (forbidden.has(nameOf(object.bucket, object.key)))
      throw unavailable("SourceForbidden", object, "403 AccessDenied");
  };

  /** The object's bytes, as long as it's there unchanged: each piece is a request of its own. */
  const contentOf = (source: Source): Uint8Array => {
    refuseForbidden(source);
    const found = find(source.bucket, source.key, source.versionId);
    if (found === undefined) throw unavailable("SourceNotFound", source, "404 NoSuchKey");
    if (found.source.etag !== source.etag) throw unavailable("SourceChanged", source, "412 PreconditionFailed");
    const fault = archived(found);
    if (fault !== undefined) throw fault;
    return found.content;
  };

  async function* read(source: Source, start: number, end: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let from = start; from <= end && !signal.aborted; from += CHUNK_BYTES) {
      const content = contentOf(source);
      if (start >= content.length) throw unavailable("SourceChanged", source, "416 InvalidRange");
      if (from >= content.length)
        throw new SourceFetchError(`${source.key} has ${content.length} bytes, not ${end + 1}`);
      yield content.subarray(from, Math.min(from + CHUNK_BYTES, end + 1));
    }
  }

  const store: MediaStore = {
    describe: async (bucket, key, versionId, signal): Promise<StoredObject | undefined> => {
      signal?.throwIfAborted();
      refuseForbidden({ bucket, key });
      const found = find(bucket, key, versionId);
      if (found === undefined) return undefined;
      const { source, content, metadata } = found;
      return { source, bytes: content.length, metadata, unavailable: archived(found) };
    },
    read,
    upload: async ({ path, bucket, key, metadata, signal }) => {
      signal.throwIfAborted();
      const content = await readFile(path, { signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      const checksum = `sha256:${digest("sha256", content)}`;
      add(bucket, key, content, { metadata: { ...metadata, checksum } });
      return checksum;
    },
  };

  const uploads: Uploads = {
    async *list(bucket, prefix, place, signal) {
      const byKey = [...objects.values()].sort(([one], [other]) => inKeyOrder(one!.source.key, other!.source.key));
      const listed = byKey.flat().flatMap(({ source, content, uploadedAt }) => {
        const isListed = source.bucket === bucket && source.key.startsWith(prefix) && content !== "delete marker";
        return isListed ? [{ source, bytes: content.length, uploadedAt }] : [];
      });
      let left = place === undefined ? listed : listed.slice(startAfter(listed, place));
      do {
        signal.throwIfAborted();
        const page = left.slice(0, pageSize);
        left = left.slice(pageSize);
        const last = left.length === 0 ? undefined : page.at(-1)?.source;
        yield { uploads: page, next: last && { key: last.key, versionId: last.versionId ?? "null" } };
      } while (left.length > 0);
    },
  };

  return {
    store,
    uploads,
    put: (bucket: string, key: string, content: Uint8Array, options: PutOptions = {}): Source =>
      add(bucket, key, content, options),
    remove: (bucket: string, key: string): void => {
      if (isVersioned) add(bucket, key, "delete marker", {});
      else objects.delete(nameOf(bucket, key));
    },
    /** From now on the service may not read it. */
    forbid: (bucket: string, key: string): void => void forbidden.add(nameOf(bucket, key)),
  };
}
