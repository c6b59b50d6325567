import { describe, expect, it } from "vitest";
import type { SegmentStore } from "../../services/poster/ports/segment-store.ts";
import { NEVER } from "../fixtures/quiet.ts";

/** A segments' bucket, and what others do to it and see of it. */
export type OpenSegments = {
  bucket: string;
  store: SegmentStore;
  put(key: string, content: string): Promise<void>;
  remove(key: string): Promise<void>;
  forbid(key: string): void;
};

/** The contract of the port, for each implementation of it. */
export function segmentStoreContract(name: string, open: () => Promise<OpenSegments>): void {
  const textOf = async ({ bucket, store }: OpenSegments, key: string, from = 0): Promise<string> => {
    const { bytes, read } = (await store.find(bucket, key, NEVER))!;
    // The bytes of a chunk are gone when the next one is requested.
    const chunks = await Array.fromAsync(read(from, bytes - 1, NEVER), (chunk) => Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  };

  describe(`segment store: ${name}`, () => {
    it("finds a segment by its key, and reads any of its bytes", async () => {
      const opened = await open();
      await opened.put("a b+c/ü-00000.mp4", "0123456789");
      expect(await textOf(opened, "a b+c/ü-00000.mp4")).toBe("0123456789");
      expect(await textOf(opened, "a b+c/ü-00000.mp4", 7)).toBe("789");
    });

    it("finds none where there is none", async () => {
      const { bucket, store, put, remove } = await open();
      expect(await store.find(bucket, "a.mp4", NEVER)).toBeUndefined();
      await put("a.mp4", "x");
      await remove("a.mp4");
      expect(await store.find(bucket, "a.mp4", NEVER)).toBeUndefined();
    });

    it("throws that it may not look at a segment", async () => {
      const { bucket, store, put, forbid } = await open();
      await put("a.mp4", "x");
      forbid("a.mp4");
      await expect(store.find(bucket, "a.mp4", NEVER)).rejects.toThrow(/a\.mp4/);
    });

    it("throws where the segment is another one than was found", async () => {
      const { bucket, store, put } = await open();
      await put("a.mp4", "0123456789");
      const { read } = (await store.find(bucket, "a.mp4", NEVER))!;
      await put("a.mp4", "9876543210");
      await expect(Array.fromAsync(read(0, 9, NEVER))).rejects.toMatchObject({ code: "SourceUnavailable" });
    });

    it("writes a picture as it is, in place of one that was there", async () => {
      const opened = await open();
      await opened.store.writePicture(opened.bucket, "a.jpg", Buffer.from("one"), NEVER);
      await opened.store.writePicture(opened.bucket, "a.jpg", Buffer.from("two"), NEVER);
      expect(await textOf(opened, "a.jpg")).toBe("two");
    });

    it("writes nothing once it's aborted", async () => {
      const { bucket, store } = await open();
      const writing = store.writePicture(bucket, "a.jpg", Buffer.from("one"), AbortSignal.abort());
      await expect(writing).rejects.toThrow();
      expect(await store.find(bucket, "a.jpg", NEVER)).toBeUndefined();
    });
  });
}
