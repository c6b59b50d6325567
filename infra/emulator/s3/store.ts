import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { damaged } from "../damage.ts";
import { Journal } from "../journal.ts";
import { isBucketName } from "./address.ts";
import { Blobs } from "./blobs.ts";
import { noSuchBucket, noSuchUpload, S3Error } from "./errors.ts";
import { changeIn } from "./journal-lines.ts";
import {
  applyChange,
  type Bucket,
  type Change,
  type CorsRule,
  contentsOf,
  type DeleteMarker,
  historyOf,
  type ObjectVersion,
  type OpenUpload,
  type Part,
  type Version,
} from "./state.ts";

/** The version id of an object that was written while its bucket had no versioning. */
export const NULL_VERSION = "null";

/** Hexadecimal digits of a sequencer; S3's have as many. */
const SEQUENCER_DIGITS = 18;
/** Room for changes within one millisecond. */
const SEQUENCER_STEP_BITS = 20n;

type Identity = { versionId: string; sequencer: string; lastModified: number };

/** Sees the newest version of a key before it changes, and throws to refuse the change. */
export type Precondition = (newest: Version | undefined) => void;

/** Bytes of a version id; base64 makes S3's 32 characters of them. */
const VERSION_ID_BYTES = 24;

/** Never starts with a hyphen, which a command line would read as an option. */
const newId = (): string => randomBytes(VERSION_ID_BYTES).toString("base64url").replaceAll("-", ".");

/** S3 keeps times to the second. */
const wholeSecond = (milliseconds: number): number => Math.floor(milliseconds / 1000) * 1000;

/**
 * Buckets and their objects: the current state in memory, its history in a journal, content in
 * blobs.
 */
export class Store {
  readonly blobs: Blobs;
  readonly #journal: Journal<Change>;
  readonly #buckets: Map<string, Bucket>;
  #sequencer: bigint;

  private constructor(blobs: Blobs, journal: Journal<Change>, buckets: Map<string, Bucket>, sequencer: bigint) {
    this.blobs = blobs;
    this.#journal = journal;
    this.#buckets = buckets;
    this.#sequencer = sequencer;
  }

  /**
   * Reads the journal, shortens it, and removes content that no change names. Throws
   * `DamagedStateError`, before anything is changed, where the journal or the content of an object
   * is damaged.
   */
  static async open(directory: string): Promise<Store> {
    await mkdir(directory, { recursive: true });
    const blobs = await Blobs.open(join(directory, "blobs"));
    const path = join(directory, "journal.jsonl");
    const buckets = new Map<string, Bucket>();
    let sequencer = "0";
    const apply = (line: unknown): void => {
      const change = changeIn(line);
      applyChange(buckets, change, blobs);
      if (change.type === "SequencerReached") sequencer = change.sequencer;
      if (change.type === "VersionAdded" && change.version.sequencer > sequencer) sequencer = change.version.sequencer;
    };
    const lines = await Journal.replay(path, apply, directory);
    // With an empty journal all content would be removed.
    if (lines === 0 && !(await blobs.isEmpty())) throw damaged(path, "it has no line", { toMove: directory });
    for (const [content, extents] of contentsOf(buckets)) blobs.check(extents, content, directory);
    await blobs.removeUnheld();
    const journal = Journal.rewrite(path, historyOf(buckets, sequencer));
    return new Store(blobs, journal, buckets, BigInt(`0x${sequencer}`));
  }

  async close(): Promise<void> {
    await this.blobs.settle();
    this.#journal.close();
  }

  get buckets(): readonly Bucket[] {
    return [...this.#buckets.values()];
  }

  findBucket(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** Throws `NoSuchBucket`, or `InvalidBucketName` for a name that no bucket can have. */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket !== undefined) return bucket;
    throw isBucketName(name) ? noSuchBucket(name) : invalidBucketName(name);
  }

  /** Throws `InvalidBucketName`. The bucket must not exist. */
  createBucket(name: string, region: string): void {
    if (!isBucketName(name)) throw invalidBucketName(name);
    this.#commit({ type: "BucketCreated", bucket: name, region, created: wholeSecond(Date.now()) });
  }

  /** Throws `NoSuchBucket` and `BucketNotEmpty`. */
  deleteBucket(name: string): void {
    if (this.bucket(name).versions.size > 0) {
      throw new S3Error("BucketNotEmpty", "The bucket you tried to delete is not empty", {
        details: [["BucketName", name]],
      });
    }
    this.#commit({ type: "BucketDeleted", bucket: name });
  }

  configureBucket(
    name: string,
    change: { versioning: "Enabled" | "Suspended" } | { eventBridge: boolean } | { cors: CorsRule[] },
  ): void {
    const { name: bucket } = this.bucket(name);
    if ("versioning" in change) this.#commit({ type: "VersioningSet", bucket, status: change.versioning });
    else if ("cors" in change) this.#commit({ type: "CorsSet", bucket, rules: change.cors });
    else this.#commit({ type: "NotificationSet", bucket, eventBridge: change.eventBridge });
  }

  /**
   * Makes this the newest version of the key. Nothing can come between `check` and the change.
   * `lastModified` is now unless it's given.
   */
  addObject(
    bucket: string,
    key: string,
    content: Omit<ObjectVersion, keyof Identity | "kind"> & { lastModified?: number },
    check?: Precondition,
  ): ObjectVersion {
    const identity = this.#identify(bucket, key, check);
    const version: ObjectVersion = { kind: "object", ...identity, ...content };
    this.#commit({ type: "VersionAdded", bucket, key, version });
    return version;
  }

  /** Makes a delete marker the newest version of the key. */
  addDeleteMarker(bucket: string, key: string): DeleteMarker {
    const version: DeleteMarker = { kind: "deleteMarker", ...this.#identify(bucket, key) };
    this.#commit({ type: "VersionAdded", bucket, key, version });
    return version;
  }

  removeVersion(bucket: string, key: string, versionId: string): void {
    this.#commit({ type: "VersionRemoved", bucket, key, versionId });
  }

  setTags(bucket: string, key: string, versionId: string, tags: { key: string; value: string }[]): void {
    this.#commit({ type: "TagsSet", bucket, key, versionId, tags });
  }

  createUpload(bucket: string, upload: Omit<OpenUpload, "id" | "initiated" | "parts">): OpenUpload {
    const { uploads } = this.bucket(bucket);
    const id = newId();
    this.#commit({ type: "UploadCreated", bucket, upload: { ...upload, id, initiated: wholeSecond(Date.now()) } });
    return uploads.get(id)!;
  }

  /** Throws `NoSuchUpload`, also for an upload of another key. */
  upload(bucket: string, key: string, uploadId: string): OpenUpload {
    const upload = this.bucket(bucket).uploads.get(uploadId);
    if (upload === undefined || upload.key !== key) throw noSuchUpload(uploadId);
    return upload;
  }

  /** Throws `NoSuchUpload`. A part of the same number is replaced. */
  addPart(bucket: string, key: string, uploadId: string, fresh: Omit<Part, "lastModified">): Part {
    this.upload(bucket, key, uploadId);
    const part = { ...fresh, lastModified: wholeSecond(Date.now()) };
    this.#commit({ type: "PartUploaded", bucket, uploadId, part });
    return part;
  }

  /** Throws `NoSuchUpload`. */
  abortUpload(bucket: string, key: string, uploadId: string): void {
    this.upload(bucket, key, uploadId);
    this.#commit({ type: "UploadAborted", bucket, uploadId });
  }

  #identify(bucketName: string, key: string, check?: Precondition): Identity {
    const bucket = this.bucket(bucketName);
    check?.(bucket.versions.get(key)?.[0]);
    const now = Date.now();
    return {
      versionId: bucket.versioning === "Enabled" ? newId() : NULL_VERSION,
      sequencer: this.#nextSequencer(now),
      lastModified: wholeSecond(now),
    };
  }

  /** Rises with every change, across restarts and when the clock goes back. */
  #nextSequencer(now: number): string {
    const byClock = BigInt(now) << SEQUENCER_STEP_BITS;
    this.#sequencer = byClock > this.#sequencer ? byClock : this.#sequencer + 1n;
    return this.#sequencer.toString(16).toUpperCase().padStart(SEQUENCER_DIGITS, "0");
  }

  #commit(change: Change): void {
    this.#journal.append(change);
    applyChange(this.#buckets, change, this.blobs);
  }
}

const invalidBucketName = (name: string): S3Error =>
  new S3Error("InvalidBucketName", "The specified bucket is not valid.", { details: [["BucketName", name]] });
