import { describe, expect, it } from "vitest";
import { NEVER } from "../fixtures/quiet.ts";
import { type OpenBucket, type OpenBucketOf, PLAIN, VERSIONED } from "./bucket.ts";

const list = async ({ uploads, bucket }: OpenBucket, prefix = "uploads/") =>
  (await Array.fromAsync(uploads.list(bucket, prefix, NEVER))).flat();

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

    it("lists what lies below the prefix, in the keys' order", async () => {
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

    it("given it was aborted, then throws the reason", async () => {
      const { uploads, bucket } = await open(PLAIN);
      const timeIsUp = new Error("time is up");
      await expect(Array.fromAsync(uploads.list(bucket, "", AbortSignal.abort(timeIsUp)))).rejects.toBe(timeIsUp);
    });
  });
}
