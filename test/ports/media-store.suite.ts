import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NEVER } from "../fixtures/quiet.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";
import { type OpenBucket, type OpenBucketOf, PLAIN, type StoredContent, VERSIONED } from "./bucket.ts";

async function segmentIn({ bucket }: OpenBucket, content: Uint8Array, signal = NEVER) {
  const path = join(await temporaryFolder(), "segment.mp4");
  await writeFile(path, content);
  return { path, bucket, key: "segments/ü 0.mp4", contentType: "video/mp4", metadata: { parent: "16384" }, signal };
}

/** More than is read ahead: a read is under way when its first bytes come. */
const FILM_BYTES = 26_000_001;

/**
 * The contract of the port, for each implementation of it. One that reads nothing ahead needs fewer
 * bytes.
 */
export function mediaStoreContract(name: string, open: OpenBucketOf, filmBytes = FILM_BYTES): void {
  const FILM = randomBytes(filmBytes);
  const SMALL = FILM.subarray(0, 100_000);
  const LAST = FILM.length - 1;

  /** A film in a bucket, as it was described. */
  async function openFilm(kind = PLAIN, options: StoredContent = {}, content = FILM) {
    const opened = await open(kind);
    await opened.put("film.mp4", content, options);
    const { source } = (await opened.store.describe(opened.bucket, "film.mp4"))!;
    const read = async (start: number, end: number, signal = NEVER): Promise<Buffer> =>
      Buffer.concat(
        await Array.fromAsync(opened.store.read(source, start, end, signal), (chunk) => Buffer.from(chunk)),
      );
    return { ...opened, source, read };
  }

  describe(`media store, reading: ${name}`, () => {
    it("returns exactly the requested bytes, few or many", async () => {
      const { read } = await openFilm();
      for (const [start, end] of [
        [0, LAST],
        [777, Math.floor(LAST / 5)],
        [5, 5],
        [LAST, LAST],
      ] as const) {
        expect((await read(start, end)).equals(FILM.subarray(start, end + 1)), `${start}-${end}`).toBe(true);
      }
    });

    it("returns the version that was described, in a versioned bucket", async () => {
      const { put, remove, read } = await openFilm(VERSIONED, {}, SMALL);
      await put("film.mp4", "another");
      expect((await read(0, 999)).equals(FILM.subarray(0, 1_000))).toBe(true);
      await remove("film.mp4");
      expect((await read(0, 999)).equals(FILM.subarray(0, 1_000))).toBe(true);
    });

    it.each<[string, string, (film: OpenBucket) => Promise<void> | void]>([
      ["overwritten", "SourceChanged", ({ put }) => put("film.mp4", randomBytes(SMALL.length))],
      ["overwritten by something shorter", "SourceChanged", ({ put }) => put("film.mp4", "short")],
      ["deleted", "SourceNotFound", ({ remove }) => remove("film.mp4")],
      ["forbidden", "SourceForbidden", ({ forbid }) => forbid("film.mp4")],
    ])("throws that the object was %s since it was described: %s", async (_what, reason, happen) => {
      const film = await openFilm(PLAIN, {}, SMALL);
      await happen(film);
      await expect(film.read(1_000, SMALL.length - 1)).rejects.toMatchObject({
        code: "SourceUnavailable",
        reason,
        retryable: false,
      });
    });

    it("throws where the object is overwritten while it's read, and returns nothing of the new one", async () => {
      const { bucket, store, source, put } = await openFilm();
      const returned: Uint8Array[] = [];
      const reading = async () => {
        for await (const chunk of store.read(source, 0, LAST, NEVER)) {
          if (returned.length === 0) await put("film.mp4", randomBytes(FILM.length));
          returned.push(Buffer.from(chunk));
        }
      };
      await expect(reading()).rejects.toMatchObject({ reason: "SourceChanged" });
      const bytes = Buffer.concat(returned);
      expect(bytes.equals(FILM.subarray(0, bytes.length))).toBe(true);
      expect((await store.describe(bucket, "film.mp4"))?.source.etag).not.toBe(source.etag);
    });

    it("throws that the object is archived", async () => {
      const { read } = await openFilm(PLAIN, { storageClass: "GLACIER" }, SMALL);
      await expect(read(0, 9)).rejects.toMatchObject({ reason: "SourceArchived" });
    });

    it("ends quietly when it's aborted", async () => {
      const { store, source } = await openFilm();
      const leaving = new AbortController();
      let bytes = 0;
      for await (const chunk of store.read(source, 0, LAST, leaving.signal)) {
        bytes += chunk.length;
        leaving.abort();
      }
      expect(bytes).toBeLessThan(FILM.length);
      expect(await Array.fromAsync(store.read(source, 0, LAST, AbortSignal.abort()))).toEqual([]);
    });
  });

  describe(`media store, uploading: ${name}`, () => {
    it.each([0, 1_000, FILM.length])("stores %d bytes, and returns what sha256sum prints", async (size) => {
      const opened = await open(PLAIN);
      const content = FILM.subarray(0, size);
      const segment = await segmentIn(opened, content);
      const checksum = `sha256:${createHash("sha256").update(content).digest("hex")}`;
      expect(await opened.store.upload(segment)).toBe(checksum);
      const stored = (await opened.store.describe(segment.bucket, segment.key))!;
      expect(stored).toMatchObject({ bytes: size, metadata: { parent: "16384", checksum } });
      const bytes = await Array.fromAsync(opened.store.read(stored.source, 0, size - 1, NEVER), (chunk) =>
        Buffer.from(chunk),
      );
      expect(Buffer.concat(bytes).equals(content)).toBe(true);
    });

    it("replaces what an earlier attempt has stored", async () => {
      const opened = await open(PLAIN);
      await opened.store.upload(await segmentIn(opened, Buffer.from("old")));
      const segment = await segmentIn(opened, Buffer.from("newer"));
      await opened.store.upload(segment);
      expect(await opened.store.describe(segment.bucket, segment.key)).toMatchObject({ bytes: 5 });
    });

    it("given it was aborted, then throws the reason, and stores nothing", async () => {
      const opened = await open(PLAIN);
      const timeIsUp = new Error("time is up");
      const segment = await segmentIn(opened, FILM, AbortSignal.abort(timeIsUp));
      await expect(opened.store.upload(segment)).rejects.toBe(timeIsUp);
      expect(await opened.store.describe(segment.bucket, segment.key)).toBeUndefined();
    });

    it("given it's aborted on the way, then throws the reason", async () => {
      const opened = await open(PLAIN);
      const leaving = new AbortController();
      const uploading = opened.store.upload(await segmentIn(opened, FILM, leaving.signal));
      const timeIsUp = new Error("time is up");
      leaving.abort(timeIsUp);
      await expect(uploading).rejects.toBe(timeIsUp);
    });

    it("throws if the file doesn't exist", async () => {
      const opened = await open(PLAIN);
      const segment = { ...(await segmentIn(opened, FILM)), path: join(await temporaryFolder(), "nothing.mp4") };
      await expect(opened.store.upload(segment)).rejects.toMatchObject({ code: "ENOENT" });
    });
  });
}
