import type { Extent } from "./blobs.ts";
import type { Checksum, ChecksumAlgorithm, ChecksumType } from "./checksums.ts";
import { OrderedKeys } from "./key-order.ts";

export type Tag = { key: string; value: string };

/** Attributes of an object, besides its content. */
export type Attributes = {
  /** Headers that come back with the object, by lower-case name. */
  headers: Record<string, string>;
  /** `x-amz-meta-*` without the prefix, by lower-case name; Unicode. */
  userMetadata: Record<string, string>;
  storageClass: string;
  tags: Tag[];
};

/**
 * `etag` is without quotes, `size` in bytes, `lastModified` in milliseconds of the epoch at a whole
 * second.
 */
export type Part = {
  number: number;
  size: number;
  etag: string;
  lastModified: number;
  checksums: Partial<Record<ChecksumAlgorithm, string>>;
  extents: Extent[];
};

export type StoredPart = { size: number; checksum?: string };

export type ObjectVersion = {
  kind: "object";
  versionId: string;
  sequencer: string;
  lastModified: number;
  size: number;
  etag: string;
  attributes: Attributes;
  checksum: Checksum;
  extents: Extent[];
  /** Of a multipart upload: what `partNumber` reads. */
  parts?: StoredPart[];
  /** The multipart upload that made it, so that completing it again has the same response. */
  uploadId?: string;
};

export type DeleteMarker = { kind: "deleteMarker"; versionId: string; sequencer: string; lastModified: number };

export type Version = ObjectVersion | DeleteMarker;

export type Upload = {
  id: string;
  key: string;
  initiated: number;
  attributes: Attributes;
  /** Absent where the client chose none: the object then gets S3's default. */
  algorithm?: ChecksumAlgorithm;
  checksumType: ChecksumType;
};

export type OpenUpload = Upload & { parts: Map<number, Part> };

/** Of `PutBucketCors`: which pages of other origins may send which requests. */
export type CorsRule = {
  id?: string;
  origins: string[];
  methods: string[];
  /** Names of headers that a page may send, each with at most one `*`. */
  headers: string[];
  /** Names of headers that a page may read. */
  exposed: string[];
  maxAgeSeconds?: number;
};

export type VersioningStatus = "Enabled" | "Suspended";

export type Bucket = {
  name: string;
  region: string;
  created: number;
  versioning?: VersioningStatus;
  /** Whether `PutBucketNotificationConfiguration` switched EventBridge on. */
  eventBridge: boolean;
  cors: CorsRule[];
  keys: OrderedKeys;
  /** Newest first; never empty. */
  versions: Map<string, Version[]>;
  uploads: Map<string, OpenUpload>;
};

/** All changes of the store, as in the journal. */
export type Change =
  | { type: "SequencerReached"; sequencer: string }
  | { type: "BucketCreated"; bucket: string; region: string; created: number }
  | { type: "BucketDeleted"; bucket: string }
  | { type: "VersioningSet"; bucket: string; status: VersioningStatus }
  | { type: "NotificationSet"; bucket: string; eventBridge: boolean }
  | { type: "CorsSet"; bucket: string; rules: CorsRule[] }
  | { type: "VersionAdded"; bucket: string; key: string; version: Version }
  | { type: "VersionRemoved"; bucket: string; key: string; versionId: string }
  | { type: "TagsSet"; bucket: string; key: string; versionId: string; tags: Tag[] }
  | { type: "UploadCreated"; bucket: string; upload: Upload }
  | { type: "PartUploaded"; bucket: string; uploadId: string; part: Part }
  | { type: "UploadAborted"; bucket: string; uploadId: string };

/** Is called for the content that is in use. */
export type Holders = { hold(extents: readonly Extent[]): void; release(extents: readonly Extent[]): void };

const extentsOf = (version: Version): Extent[] => (version.kind === "object" ? version.extents : []);

function removeVersion(bucket: Bucket, key: string, versionId: string, holders: Holders): void {
  const versions = bucket.versions.get(key) ?? [];
  const index = versions.findIndex((version) => version.versionId === versionId);
  if (index < 0) return;
  for (const version of versions.splice(index, 1)) holders.release(extentsOf(version));
  if (versions.length > 0) return;
  bucket.versions.delete(key);
  bucket.keys.delete(key);
}

function removeUpload(bucket: Bucket, uploadId: string, holders: Holders): void {
  for (const part of bucket.uploads.get(uploadId)?.parts.values() ?? []) holders.release(part.extents);
  bucket.uploads.delete(uploadId);
}

function addVersion(bucket: Bucket, key: string, version: Version, holders: Holders): void {
  holders.hold(extentsOf(version));
  removeVersion(bucket, key, version.versionId, holders);
  const versions = bucket.versions.get(key);
  if (versions !== undefined) versions.unshift(version);
  else {
    bucket.versions.set(key, [version]);
    bucket.keys.add(key);
  }
  if (version.kind === "object" && version.uploadId !== undefined) removeUpload(bucket, version.uploadId, holders);
}

/**
 * The fold: what a change does to the buckets. The same changes in the same order give the same
 * buckets.
 */
export function applyChange(buckets: Map<string, Bucket>, change: Change, holders: Holders): void {
  if (change.type === "SequencerReached") return;
  if (change.type === "BucketCreated") {
    const { bucket: name, region, created } = change;
    const contents = { keys: new OrderedKeys(), versions: new Map(), uploads: new Map() };
    buckets.set(name, { name, region, created, eventBridge: false, cors: [], ...contents });
    return;
  }
  const bucket = buckets.get(change.bucket);
  if (bucket === undefined) throw new Error(`the journal names bucket ${change.bucket} before it is created`);
  switch (change.type) {
    case "BucketDeleted":
      for (const uploadId of [...bucket.uploads.keys()]) removeUpload(bucket, uploadId, holders);
      buckets.delete(change.bucket);
      break;
    case "VersioningSet":
      bucket.versioning = change.status;
      break;
    case "NotificationSet":
      bucket.eventBridge = change.eventBridge;
      break;
    case "CorsSet":
      bucket.cors = change.rules;
      break;
    case "VersionAdded":
      addVersion(bucket, change.key, change.version, holders);
      break;
    case "VersionRemoved":
      removeVersion(bucket, change.key, change.versionId, holders);
      break;
    case "TagsSet":
      for (const version of bucket.versions.get(change.key) ?? []) {
        if (version.kind === "object" && version.versionId === change.versionId) version.attributes.tags = change.tags;
      }
      break;
    case "UploadCreated":
      bucket.uploads.set(change.upload.id, { ...change.upload, parts: new Map() });
      break;
    case "PartUploaded": {
      const parts = bucket.uploads.get(change.uploadId)?.parts;
      holders.hold(change.part.extents);
      holders.release(parts?.get(change.part.number)?.extents ?? []);
      parts?.set(change.part.number, change.part);
      break;
    }
    case "UploadAborted":
      removeUpload(bucket, change.uploadId, holders);
      break;
  }
}

/** The content of each object and part, with what it is of. */
export function* contentsOf(buckets: ReadonlyMap<string, Bucket>): Generator<[content: string, Extent[]]> {
  for (const { name, versions, uploads } of buckets.values()) {
    for (const [key, ofKey] of versions)
      for (const version of ofKey) yield [`the content of s3://${name}/${key}`, extentsOf(version)];
    for (const { key, parts } of uploads.values())
      for (const { number, extents } of parts.values())
        yield [`part ${number} of an upload to s3://${name}/${key}`, extents];
  }
}

/** The shortest history that leads to these buckets. */
export function* historyOf(buckets: ReadonlyMap<string, Bucket>, sequencer: string): Generator<Change> {
  yield { type: "SequencerReached", sequencer };
  for (const { name: bucket, region, created, versioning, eventBridge, cors, versions, uploads } of buckets.values()) {
    yield { type: "BucketCreated", bucket, region, created };
    if (versioning !== undefined) yield { type: "VersioningSet", bucket, status: versioning };
    if (eventBridge) yield { type: "NotificationSet", bucket, eventBridge };
    if (cors.length > 0) yield { type: "CorsSet", bucket, rules: cors };
    for (const [key, ofKey] of versions) {
      for (const version of ofKey.toReversed()) yield { type: "VersionAdded", bucket, key, version };
    }
    for (const { parts, ...upload } of uploads.values()) {
      yield { type: "UploadCreated", bucket, upload };
      for (const part of parts.values()) yield { type: "PartUploaded", bucket, uploadId: upload.id, part };
    }
  }
}
