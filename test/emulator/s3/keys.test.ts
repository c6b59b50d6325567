import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elementOf, refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const ODD_KEYS = [
  "with space.mp4",
  "a+b.mp4",
  "100%.mp4",
  "100%25.mp4",
  "ünïcödé/日本語.mp4",
  "🎬/film 1.mp4",
  "a//b",
  "//leading",
  "trailing/",
  "k",
  "k/x",
  "../up",
  "a/../b",
  "./dot",
  "x/./y",
  `<tag attribute="a" other='b'>&amp;</tag>`,
  "semi;colon?query#hash=1&2",
  "tab\tand\nline\rfeed",
  "line\u2028and paragraph\u2029separator",
  "back\\slash|pipe^{}`~[]",
  "l".repeat(1024),
  "é".repeat(512),
];

async function roundTrip(client: S3Client, Bucket: string, Key: string): Promise<string> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: `content of ${Key}` }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Body!.transformToString();
}

describe("odd keys", () => {
  test.each(ODD_KEYS)(
    "given key %j, when it is stored, then it is read, listed and announced verbatim",
    async (Key) => {
      expect(await roundTrip(s3.client, "videos", Key)).toBe(`content of ${Key}`);
      expect(s3.events.at(-1)?.key).toBe(Key);
      const plain = await s3.client.send(new ListObjectsV2Command({ Bucket: "videos", Prefix: Key, MaxKeys: 1 }));
      expect(plain.Contents?.[0]?.Key).toBe(Key);
      const encoded = await s3.client.send(
        new ListObjectsV2Command({ Bucket: "videos", Prefix: Key, MaxKeys: 1, EncodingType: "url" }),
      );
      expect(decodeURIComponent(encoded.Contents?.[0]?.Key ?? "")).toBe(Key);
    },
  );

  test("given all of them, when the server is restarted, then each is still read and listed", async () => {
    for (const Key of ODD_KEYS) await roundTrip(s3.client, "videos", Key);
    await s3.restart();
    const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket: "videos" }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(expect.arrayContaining(ODD_KEYS));
  });

  test("given keys of which one is a folder of the other, when one is deleted, then the other stays", async () => {
    await roundTrip(s3.client, "videos", "n");
    await roundTrip(s3.client, "videos", "n/x");
    await s3.client.send(new DeleteObjectCommand({ Bucket: "videos", Key: "n" }));
    expect(await roundTrip(s3.client, "videos", "n/x")).toBe("content of n/x");
  });

  test("given a key above 1,024 bytes, when it is stored, then it is too long", async () => {
    const put = (Key: string) => s3.client.send(new PutObjectCommand({ Bucket: "videos", Key, Body: "x" }));
    expect(await refusalOf(put("l".repeat(1025)))).toBe("KeyTooLongError");
    expect(await refusalOf(put("é".repeat(513)))).toBe("KeyTooLongError");
  });

  test("given a path that is no UTF-8, when it is requested, then it can't be parsed", async () => {
    const answer = await s3.send({ path: "/videos/%ff%fe" });
    expect([answer.status, elementOf(answer, "Code")]).toEqual([400, "InvalidURI"]);
  });

  test("given a lower-case and a needless escape, when they are requested, then they mean the same key", async () => {
    await roundTrip(s3.client, "videos", "ä-b");
    expect((await s3.send({ path: "/videos/%c3%a4%2Db" })).status).toBe(200);
  });
});

describe("virtual hosts", () => {
  test.each([
    "videos.localhost",
    "videos.127.0.0.1:80",
    "videos.s3.eu-west-1.amazonaws.com",
    "videos.s3.localhost:4566",
  ])("given host %s, when a path is requested, then all of it is the key", async (host) => {
    await roundTrip(s3.client, "videos", "folder/file");
    const answer = await s3.send({ path: "/folder/file", headers: { host } });
    expect(answer.body.toString()).toBe("content of folder/file");
  });

  test.each(["localhost", "127.0.0.1:80", "s3.localhost", "s3.eu-west-1.amazonaws.com", "[::1]:80", "stack"])(
    "given host %s, when a path is requested, then it begins with the bucket",
    async (host) => {
      await roundTrip(s3.client, "videos", "folder/file");
      const answer = await s3.send({ path: "/videos/folder/file", headers: { host } });
      expect(answer.body.toString()).toBe("content of folder/file");
    },
  );
});
