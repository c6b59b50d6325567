import { describe, expect, it } from "vitest";
import type { Place } from "../../services/reconciler/domain/passes.ts";
import { NEVER } from "../fixtures/quiet.ts";
import { type OpenBucket, type OpenBucketOf, PLAIN, VERSIONED } from "./bucket.ts";

const list = async ({ uploads, bucket }: OpenBucket, prefix = "uploads/", place?: Place) =>
  (await Array.fromAsync(uploads.list(bucket, prefix, place, NEVER))).flatMap((page) => page.uploads);

/** The contract of the port, for each implementation of it. */
export function uploadsContract(name: string, open: OpenBucketOf): void {
  describe(`uploads: ${name}`, () => {
    it.each([PLAIN, VERSIONED])("lists what is described: source and bytes of each object (%j)", async (kind) => {
      const opened = await open(kind);
      await opened.put("uploads/ü b.mp4", "12345");
      const { source, bytes } = (await opened.store.describe(opened.bucket, "uploads/ü b.mp4"))!;
      const before = Math.floor(Date.now() / 1_000) - 60;
      const [listed] = await list(opened);
      expect(listed).toMatchObject({ source, bytes });
      expect(listed!.uploadedAt).toBeGreaterThan(before);
      expect(listed!.uploadedAt).toBeLessThanOrEqual(Date.now() / 1_000);
    });

    it("lists the objects below the prefix, in the order of their keys", async () => {
      const opened = await open(PLAIN);
      for (const key of ["uploads/b.mp4", "uploads/a.mp4", "other/a.mp4", "uploads", "uploads/c/d.mp4"]) {
        await opened.put(key, key);
      }
      const keys = (await list(opened)).map(({ source }) => source.key);
      expect(keys).toEqual(["uploads/a.mp4", "uploads/b.mp4", "uploads/c/d.mp4"]);
    });

    it("lists all versions, the newest first, and no delete marker", async () => {
      const opened = await open(VERSIONED);
      await opened.put("uploads/a.mp4", "1");
      await opened.put("uploads/a.mp4", "22");
      await opened.remove("uploads/a.mp4");
      expect((await list(opened)).map(({ bytes }) => bytes)).toEqual([2, 1]);
    });

    it("lists nothing of an object that was deleted or overwritten in a bucket without versions", async () => {
      const opened = await open(PLAIN);
      await opened.put("uploads/a.mp4", "1");
      await opened.put("uploads/a.mp4", "22");
      await opened.put("uploads/b.mp4", "1");
      await opened.remove("uploads/b.mp4");
      expect((await list(opened)).map(({ bytes }) => bytes)).toEqual([2]);
    });

    it.each([PLAIN, VERSIONED])("continues from a place whose object may have been deleted (%j)", async (kind) => {
      const opened = await open(kind);
      for (const key of ["uploads/a.mp4", "uploads/b.mp4", "uploads/c.mp4"]) await opened.put(key, key);
      const all = await list(opened);
      const from = (place: Place) => list(opened, "uploads/", place);
      const afterKey = { key: "uploads/a.mp4" };
      const afterVersion = { key: "uploads/b.mp4", versionId: all[1]!.source.versionId ?? "null" };
      expect(await from(afterKey)).toEqual(all.slice(1));
      expect(await from(afterVersion)).toEqual(all.slice(2));
      if (kind.isVersioned) await opened.put("uploads/b.mp4", "newer");
      else await opened.remove("uploads/b.mp4");
      expect(await from(afterVersion)).toEqual(all.slice(2));
    });

    it("continues within the versions of one key", async () => {
      const opened = await open(VERSIONED);
      for (const content of ["1", "22", "333"]) await opened.put("uploads/a.mp4", content);
      const [newest] = await list(opened);
      const place = { key: "uploads/a.mp4", versionId: newest!.source.versionId };
      expect((await list(opened, "uploads/", place)).map(({ bytes }) => bytes)).toEqual([2, 1]);
    });

    it("says where each page but the last ends", async () => {
      const opened = await open(PLAIN);
      for (const key of ["uploads/a.mp4", "uploads/b.mp4", "uploads/c.mp4"]) await opened.put(key, key);
      const pages = await Array.fromAsync(opened.uploads.list(opened.bucket, "uploads/", undefined, NEVER));
      expect(pages.at(-1)?.next).toBeUndefined();
      for (const { uploads, next } of pages.slice(0, -1)) expect(next?.key).toBe(uploads.at(-1)?.source.key);
    });

    it("given it was aborted, then throws the reason", async () => {
      const { uploads, bucket } = await open(PLAIN);
      const timeIsUp = new Error("time is up");
      await expect(Array.fromAsync(uploads.list(bucket, "", undefined, AbortSignal.abort(timeIsUp)))).rejects.toBe(
        timeIsUp,
      );
    });
  });
}
