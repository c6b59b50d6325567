import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { HeadObjectCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { NEVER } from "../../fixtures/quiet.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { mediaStoreContract } from "../../ports/media-store.suite.ts";
import { storedObjectsContract } from "../../ports/stored-objects.suite.ts";
import { uploadsContract } from "../../ports/uploads.suite.ts";
import { openBucket, openContractBucket } from "./media-bucket.ts";

storedObjectsContract("S3", openContractBucket);
mediaStoreContract("S3", openContractBucket);
uploadsContract("S3", openContractBucket);

describe("a reader that closes its connection", () => {
  it("has no more fetched than what is read ahead", async () => {
    const started: string[] = [];
    const { put, store } = await openBucket(({ method, headers }) => {
      if (method === "GET" && headers.range !== undefined) started.push(headers.range);
      return false;
    });
    await put("film.mp4", randomBytes(30_000_000));
    const { source } = (await store.describe("media", "film.mp4"))!;
    for await (const _chunk of store.read(source, 0, 29_999_999, NEVER)) break;
    expect(started).toHaveLength(3);
  });
});

describe("a reader that goes on", () => {
  it("has one chunk at a time: the memory of the one before is free at once", async () => {
    const { put, store } = await openBucket();
    await put("film.mp4", randomBytes(20_000_000));
    const { source } = (await store.describe("media", "film.mp4"))!;
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.read(source, 0, 19_999_999, NEVER)) {
      chunks.push(chunk);
      expect(chunks.map(({ length }) => length > 0)).toEqual(chunks.map((one) => one === chunk));
    }
    expect(chunks).toHaveLength(3);
  });
});

describe("a segment", () => {
  it.each([
    ["in one request", 1_000],
    ["in several parts", 20_000_000],
  ])("keeps its content type when it's uploaded %s", async (_how, size) => {
    const { client, store } = await openBucket();
    const path = join(await temporaryFolder(), "segment.mp4");
    await writeFile(path, randomBytes(size));
    const Key = "segments/0.mp4";
    const segment = { path, bucket: "media", key: Key, contentType: "video/mp4", metadata: {}, signal: NEVER };
    await store.upload(segment);
    const head = await client.send(new HeadObjectCommand({ Bucket: "media", Key }));
    expect(head).toMatchObject({ ContentLength: size, ContentType: "video/mp4" });
  });

  it.each([
    ["in one request", 1_000, 1],
    ["in several parts", 20_000_000, 2],
  ])("that is aborted while it's uploaded %s, leaves no request and no part behind", async (_how, size, requests) => {
    const leaving = new AbortController();
    const timeIsUp = new Error("time is up");
    const open = new Set<ServerResponse>();
    // The server reads requests with a body, and doesn't respond.
    const { client, store } = await openBucket((request, response) => {
      if (request.method !== "PUT") return false;
      request.resume();
      open.add(response);
      response.once("close", () => open.delete(response));
      if (open.size === requests) leaving.abort(timeIsUp);
      return true;
    });
    const path = join(await temporaryFolder(), "segment.mp4");
    await writeFile(path, randomBytes(size));
    const { signal } = leaving;
    const segment = { path, bucket: "media", key: "0.mp4", contentType: "video/mp4", metadata: {}, signal };
    await expect(store.upload(segment)).rejects.toBe(timeIsUp);
    await expect.poll(() => open.size).toBe(0);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: "media" }));
    expect(Uploads).toEqual([]);
  });
});
