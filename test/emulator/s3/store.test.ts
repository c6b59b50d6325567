import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Extent } from "../../../infra/emulator/s3/blobs.ts";
import { openS3 } from "../../../infra/emulator/s3/index.ts";
import { Store } from "../../../infra/emulator/s3/store.ts";
import { elementOf, sendRaw } from "./s3-fixture.ts";

let directory: string;
let store: Store;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "video-split-s3-"));
  store = await Store.open(directory);
  store.createBucket("videos", "us-east-1");
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

const attributes = { headers: {}, userMetadata: {}, storageClass: "STANDARD", tags: [] };
const checksum = { algorithm: "CRC32", type: "FULL_OBJECT", value: "AAAAAA==" } as const;
const add = (key: string, extents: Extent[] = []) =>
  store.addObject("videos", key, { size: 0, etag: "d41d8cd98f00b204e9800998ecf8427e", attributes, checksum, extents });

test("given a clock that stops and goes back, also over a restart, then each sequencer is greater", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-11-23T12:00:00Z") });
  const sequencers = [add("k").sequencer, add("k").sequencer];
  vi.setSystemTime(new Date("2026-11-23T11:00:00Z"));
  sequencers.push(add("k").sequencer);
  store.removeVersion("videos", "k", "null");
  for (let restart = 0; restart < 2; restart++) {
    await store.close();
    store = await Store.open(directory);
  }
  sequencers.push(add("k").sequencer);
  await store.close();
  expect(new Set(sequencers).size).toBe(4);
  expect(sequencers.toSorted()).toEqual(sequencers);
});

test("given content that a copy took over while its source was deleted, when the store is opened, then it exists", async () => {
  const extents = await store.blobs.write(Readable.from([Buffer.from("content")]), () => {});
  add("source", extents);
  store.removeVersion("videos", "source", "null");
  add("copy", extents);
  store.blobs.release(extents);
  await store.close();
  store = await Store.open(directory);
  expect(await text(store.blobs.read(extents))).toBe("content");
  await store.close();
});

test("given 20,000 keys, when they are listed after a restart, then a page takes milliseconds", async () => {
  for (let index = 0; index < 20_000; index++) {
    add(`folder-${index % 200}/${index}`);
  }
  await store.close();
  const s3 = await openS3({ directory, region: "us-east-1", onObjectCreated: async () => {} });
  const server = createServer(s3.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const started = performance.now();
  const folders = await sendRaw(port, { path: "/videos?list-type=2&delimiter=/" });
  const page = await sendRaw(port, { path: "/videos?list-type=2&start-after=folder-50" });
  const took = performance.now() - started;
  expect([elementOf(folders, "KeyCount"), elementOf(page, "KeyCount")]).toEqual(["200", "1000"]);
  expect(took).toBeLessThan(2000);
  server.close();
  await s3.close();
});
