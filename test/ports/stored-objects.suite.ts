import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type OpenBucketOf, PLAIN, VERSIONED } from "./bucket.ts";

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

/** The contract of the port, for each implementation of it. */
export function storedObjectsContract(name: string, open: OpenBucketOf): void {
  describe(`stored objects: ${name}`, () => {
    it("describes an object by its etag, its bytes and its metadata", async () => {
      const { bucket, store, put } = await open(PLAIN);
      const metadata = { "segment-seconds": "5" };
      await put("a b+c/ü.mp4", "12345", { metadata });
      expect(await store.describe(bucket, "a b+c/ü.mp4")).toEqual({
        source: { bucket, key: "a b+c/ü.mp4", etag: md5("12345"), versionId: undefined },
        bytes: 5,
        metadata,
      });
    });

    it("describes the newest object, and in a versioned bucket any version", async () => {
      const { bucket, store, put } = await open(VERSIONED);
      await put("film.mp4", "old");
      const { source: old } = (await store.describe(bucket, "film.mp4"))!;
      await put("film.mp4", "newer");
      const newest = (await store.describe(bucket, "film.mp4"))!;
      expect(newest).toMatchObject({ bytes: 5, source: { etag: md5("newer") } });
      expect(newest.source.versionId).not.toBe(old.versionId);
      expect(await store.describe(bucket, "film.mp4", old.versionId)).toMatchObject({ bytes: 3, source: old });
    });

    it.each([PLAIN, VERSIONED])("knows nothing of an object that isn't there (%j)", async (kind) => {
      const { bucket, store, put, remove } = await open(kind);
      expect(await store.describe(bucket, "film.mp4")).toBeUndefined();
      await put("film.mp4", "x");
      expect(await store.describe(bucket, "film.mp4", "v".repeat(32))).toBeUndefined();
      await remove("film.mp4");
      expect(await store.describe(bucket, "film.mp4")).toBeUndefined();
    });

    it("says of an archived object that its bytes can't be read", async () => {
      const { bucket, store, put } = await open(PLAIN);
      await put("film.mp4", "12345", { storageClass: "GLACIER" });
      expect(await store.describe(bucket, "film.mp4")).toMatchObject({
        bytes: 5,
        unavailable: { code: "SourceUnavailable", reason: "SourceArchived", retryable: false },
      });
    });

    it("throws that it may not look at an object", async () => {
      const { bucket, store, put, forbid } = await open(PLAIN);
      await put("film.mp4", "x");
      forbid("film.mp4");
      await expect(store.describe(bucket, "film.mp4")).rejects.toMatchObject({
        code: "SourceUnavailable",
        reason: "SourceForbidden",
      });
    });

    it("given it was aborted, then throws the reason", async () => {
      const { bucket, store, put } = await open(PLAIN);
      await put("film.mp4", "x");
      const timeIsUp = new Error("time is up");
      await expect(store.describe(bucket, "film.mp4", undefined, AbortSignal.abort(timeIsUp))).rejects.toBe(timeIsUp);
    });
  });
}
