import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ObjectCreated, objectCreatedDetail } from "../../../infra/emulator/s3/index.ts";
import { refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const put = (Key: string, Body = "x") => s3.client.send(new PutObjectCommand({ Bucket: "videos", Key, Body }));

test("given a put, then its event describes the object as S3 does", async () => {
  const answer = await put("a+b c.mp4", "content");
  const event = s3.events.at(-1)!;
  expect(event).toEqual({
    bucket: "videos",
    key: "a+b c.mp4",
    size: 7,
    etag: answer.ETag?.replaceAll('"', ""),
    sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
    reason: "PutObject",
    requestId: answer.$metadata.requestId,
    sourceIpAddress: "127.0.0.1",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
});

test("given an event being taken, then the upload is not acknowledged before", async () => {
  const { promise: taken, resolve: take } = Promise.withResolvers<void>();
  const { promise: announced, resolve: announce } = Promise.withResolvers<void>();
  let isAcknowledged = false;
  s3.onEvent(() => {
    announce();
    return taken;
  });
  const upload = put("waiting").then(() => {
    isAcknowledged = true;
  });
  await announced;
  expect((await s3.send({ method: "HEAD", path: "/videos/waiting" })).status).toBe(200);
  expect(isAcknowledged).toBe(false);
  take();
  await upload;
  s3.onEvent(undefined);
});

test("given a listener that fails, then the upload fails and can be sent again", async () => {
  s3.onEvent(() => Promise.reject(new Error("the bus is down (as this test wants it)")));
  expect(await refusalOf(put("unlucky"))).toBe("InternalError");
  s3.onEvent(undefined);
  await put("unlucky");
  expect(s3.events.at(-1)?.key).toBe("unlucky");
});

test("given many changes of one key, then each sequencer is greater, also over a restart", async () => {
  const before = s3.events.length;
  for (let count = 0; count < 5; count++) await put("changing");
  await s3.restart();
  await put("changing");
  const sequencers = s3.events.slice(before).map(({ sequencer }) => sequencer);
  expect(new Set(sequencers).size).toBe(6);
  expect(sequencers.toSorted()).toEqual(sequencers);
});

const CREATED: ObjectCreated = {
  bucket: "videos",
  key: "uploads/a b+c%.mp4",
  size: 3,
  etag: "900150983cd24fb0d6963f7d28e17f72",
  sequencer: "0055AED6DCD90281E5",
  reason: "PutObject",
  requestId: "C3D13FE58DE4C810",
  sourceIpAddress: "127.0.0.1",
  time: "2026-11-23T00:00:00Z",
};

test("given an object created, then the detail of its event is S3's", () => {
  expect(objectCreatedDetail(CREATED)).toEqual({
    version: "0",
    bucket: { name: "videos" },
    object: {
      key: "uploads/a b+c%.mp4",
      size: 3,
      etag: "900150983cd24fb0d6963f7d28e17f72",
      sequencer: "0055AED6DCD90281E5",
    },
    "request-id": "C3D13FE58DE4C810",
    requester: "000000000000",
    "source-ip-address": "127.0.0.1",
    reason: "PutObject",
  });
});

test("given a version id, then the detail has it, but never the null version's", () => {
  expect(objectCreatedDetail({ ...CREATED, versionId: "v1" }).object["version-id"]).toBe("v1");
  expect(objectCreatedDetail({ ...CREATED, versionId: "null" }).object).not.toHaveProperty("version-id");
});
