import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { NEVER } from "../../fixtures/cut.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { openBucket, readAll } from "./media-bucket.ts";

describe("looking at an object", () => {
  it("tells one that isn't there from one that may not be read", async () => {
    const { store } = await openBucket(({ url }, response) => {
      if (!url?.includes("secret")) return false;
      response.writeHead(403).end();
      return true;
    });
    expect(await store.describe("media", "nowhere.mp4")).toBeUndefined();
    await expect(store.describe("media", "secret.mp4")).rejects.toMatchObject({
      code: "SourceUnavailable",
      reason: "SourceForbidden",
    });
  });
});

describe("reading an object in ranges", () => {
  it("gives exactly the bytes asked for, whatever the number of ranges", async () => {
    const { put, store } = await openBucket();
    const bytes = randomBytes(23_000_001);
    await put("film.mp4", bytes);
    const { source } = (await store.describe("media", "film.mp4"))!;
    expect((await readAll(store.read(source, 0, bytes.length - 1, NEVER))).equals(bytes)).toBe(true);
    expect((await readAll(store.read(source, 777, 5_000_777, NEVER))).equals(bytes.subarray(777, 5_000_778))).toBe(
      true,
    );
    expect((await readAll(store.read(source, 5, 5, NEVER))).equals(bytes.subarray(5, 6))).toBe(true);
  });

  it("says so where the object was overwritten or deleted meanwhile", async () => {
    const { put, store } = await openBucket();
    await put("film.mp4", randomBytes(1_000));
    const { source } = (await store.describe("media", "film.mp4"))!;
    await put("film.mp4", randomBytes(1_000));
    await expect(readAll(store.read(source, 0, 999, NEVER))).rejects.toMatchObject({
      code: "SourceUnavailable",
      reason: "SourceChanged",
    });
    await expect(readAll(store.read({ ...source, key: "gone.mp4" }, 0, 999, NEVER))).rejects.toMatchObject({
      code: "SourceUnavailable",
      reason: "SourceNotFound",
    });
  });

  it("stops fetching when the reader goes away", async () => {
    const started: string[] = [];
    const { put, store } = await openBucket(({ method, headers }) => {
      if (method === "GET" && headers.range !== undefined) started.push(headers.range);
      return false;
    });
    await put("film.mp4", randomBytes(30_000_000));
    const { source } = (await store.describe("media", "film.mp4"))!;
    for await (const _chunk of store.read(source, 0, 29_999_999, NEVER)) break;
    expect(started).toHaveLength(1);
  });

  it("ends quietly when it's aborted", async () => {
    const { put, store } = await openBucket();
    await put("film.mp4", randomBytes(10_000_000));
    const { source } = (await store.describe("media", "film.mp4"))!;
    const leaving = new AbortController();
    let bytes = 0;
    for await (const chunk of store.read(source, 0, 9_999_999, leaving.signal)) {
      bytes += chunk.length;
      leaving.abort();
    }
    expect(bytes).toBeLessThan(10_000_000);
  });
});

describe("describing an object", () => {
  it("tells size, etag and metadata, and nothing of what isn't there", async () => {
    const { client, store } = await openBucket();
    const Metadata = { "segment-seconds": "5" };
    await client.send(new PutObjectCommand({ Bucket: "media", Key: "a b+c.mp4", Body: "12345", Metadata }));
    expect(await store.describe("media", "a b+c.mp4")).toEqual({
      source: {
        bucket: "media",
        key: "a b+c.mp4",
        etag: createHash("md5").update("12345").digest("hex"),
        versionId: undefined,
      },
      bytes: 5,
      metadata: Metadata,
    });
    expect(await store.describe("media", "nothing.mp4")).toBeUndefined();
  });
});

describe("uploading a segment", () => {
  it.each([
    ["small", 1_000],
    ["of several parts", 20_000_000],
  ])("%s: keeps type and metadata, and returns what sha256sum prints", async (_what, size) => {
    const { client, store } = await openBucket();
    const path = join(await temporaryFolder(), "segment.mp4");
    const bytes = randomBytes(size);
    await writeFile(path, bytes);
    const segment = {
      path,
      bucket: "media",
      key: "clips/ü 0.mp4",
      contentType: "video/mp4",
      metadata: { "video-split-parent": "16384" },
      signal: NEVER,
    };
    const checksum = await store.upload(segment);
    expect(checksum).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    expect(await client.send(new HeadObjectCommand({ Bucket: "media", Key: "clips/ü 0.mp4" }))).toMatchObject({
      ContentLength: size,
      ContentType: "video/mp4",
      Metadata: { "video-split-parent": "16384", checksum },
    });
  });

  it("throws the reason when it's aborted", async () => {
    const { store } = await openBucket();
    const path = join(await temporaryFolder(), "segment.mp4");
    await writeFile(path, "x");
    const signal = AbortSignal.abort(new Error("out of time"));
    const segment = { path, bucket: "media", key: "k", contentType: "video/mp4", metadata: {}, signal };
    await expect(store.upload(segment)).rejects.toThrow("out of time");
  });
});
