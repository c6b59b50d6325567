import {
  DeleteObjectCommand,
  ListObjectsCommand,
  type ListObjectsCommandInput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elementOf, refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

/** In the order of their UTF-8 bytes, which is not that of UTF-16: U+FF5E comes before the emoji. */
const KEYS = ["a", "a/1", "a/2", "a/b/3", "a0", "b/1", "b/2", "c", "d/1", "z～", "z🎬"];

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
  for (const key of KEYS.toReversed()) {
    await s3.send({ method: "PUT", path: `/videos/${encodeURIComponent(key)}`, body: "x" });
  }
});
afterAll(() => s3.stop());

const list = (more: Partial<ListObjectsV2CommandInput> = {}) =>
  s3.client.send(new ListObjectsV2Command({ Bucket: "videos", ...more }));

async function pagesOf(more: Partial<ListObjectsV2CommandInput>): Promise<string[][]> {
  const pages: string[][] = [];
  for await (const page of paginateListObjectsV2({ client: s3.client }, { Bucket: "videos", ...more })) {
    const keys = page.Contents?.map((object) => object.Key ?? "") ?? [];
    pages.push([...keys, ...(page.CommonPrefixes?.map(({ Prefix }) => Prefix ?? "") ?? [])]);
  }
  return pages;
}

describe("version 2", () => {
  test("given keys, when they are listed, then they come in the order of their UTF-8 bytes", async () => {
    const { Contents, IsTruncated, KeyCount } = await list();
    expect(Contents?.map(({ Key }) => Key)).toEqual(KEYS);
    expect({ IsTruncated, KeyCount }).toEqual({ IsTruncated: false, KeyCount: KEYS.length });
  });

  test("given an object, when it is listed, then its size, tag, class and checksum are returned", async () => {
    const { Contents } = await list({ Prefix: "c" });
    expect(Contents?.[0]).toMatchObject({
      Size: 1,
      ETag: '"9dd4e461268c8034f5c8564e155c67a6"',
      StorageClass: "STANDARD",
      ChecksumAlgorithm: ["CRC64NVME"],
      ChecksumType: "FULL_OBJECT",
    });
    expect(Contents?.[0]?.Owner).toBeUndefined();
  });

  test("given fetch-owner, when objects are listed, then their owner is returned", async () => {
    expect((await list({ FetchOwner: true })).Contents?.[0]?.Owner?.ID).toMatch(/^[0-9a-f]{64}$/);
  });

  test("given a delimiter, when keys are listed, then folders are rolled up", async () => {
    const { Contents, CommonPrefixes, KeyCount } = await list({ Delimiter: "/" });
    expect(Contents?.map(({ Key }) => Key)).toEqual(["a", "a0", "c", "z～", "z🎬"]);
    expect(CommonPrefixes).toEqual([{ Prefix: "a/" }, { Prefix: "b/" }, { Prefix: "d/" }]);
    expect(KeyCount).toBe(8);
  });

  test("given a prefix and a delimiter, when keys are listed, then one level is shown", async () => {
    const { Contents, CommonPrefixes } = await list({ Prefix: "a/", Delimiter: "/" });
    expect(Contents?.map(({ Key }) => Key)).toEqual(["a/1", "a/2"]);
    expect(CommonPrefixes).toEqual([{ Prefix: "a/b/" }]);
  });

  test.each([1, 2, 3, 5, 11])(
    "given pages of %i, when all are read, then no key is missing or twice",
    async (MaxKeys) => {
      const pages = await pagesOf({ MaxKeys });
      expect(pages.flat()).toEqual(KEYS);
      expect(pages).toHaveLength(Math.ceil(KEYS.length / MaxKeys));
    },
  );

  test("given pages of one with a delimiter, when all are read, then each folder comes once", async () => {
    expect((await pagesOf({ MaxKeys: 1, Delimiter: "/" })).flat()).toEqual([
      "a",
      "a/",
      "a0",
      "b/",
      "c",
      "d/",
      "z～",
      "z🎬",
    ]);
  });

  test("given start-after, when keys are listed, then those behind it come", async () => {
    expect((await list({ StartAfter: "b/1" })).Contents?.[0]?.Key).toBe("b/2");
  });

  test("given a prefix that nothing has, when keys are listed, then there are none", async () => {
    const { KeyCount, Contents } = await list({ Prefix: "nothing" });
    expect({ KeyCount, Contents }).toEqual({ KeyCount: 0, Contents: undefined });
  });

  test("given max-keys 0, when keys are listed, then the listing is empty and complete", async () => {
    expect(await list({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  test("given max-keys above S3's limit, when keys are listed, then a page has at most 1,000", async () => {
    expect((await list({ MaxKeys: 5000 })).MaxKeys).toBe(1000);
  });

  test.each(["max-keys=x", "max-keys=-1", "continuation-token=nonsense", "encoding-type=base64"])(
    "given %s, when keys are listed, then the argument is invalid",
    async (parameter) => {
      const answer = await s3.send({ path: `/videos?list-type=2&${parameter}` });
      expect([answer.status, elementOf(answer, "Code")]).toEqual([400, "InvalidArgument"]);
    },
  );

  test("given a plus in a query, when keys are listed, then it means a space", async () => {
    expect(elementOf(await s3.send({ path: "/videos?list-type=2&prefix=a+b%2Bc" }), "Prefix")).toBe("a b+c");
  });

  test("given a deleted key, when keys are listed, then it is not among them", async () => {
    await s3.send({ method: "PUT", path: "/videos/brief", body: "x" });
    await s3.client.send(new DeleteObjectCommand({ Bucket: "videos", Key: "brief" }));
    expect((await list()).Contents?.map(({ Key }) => Key)).toEqual(KEYS);
  });

  test("given no bucket, when its keys are listed, then it is unknown", async () => {
    expect(await refusalOf(list({ Bucket: "no-such-bucket" }))).toBe("NoSuchBucket");
  });
});

describe("version 1", () => {
  const listOld = (more: Partial<ListObjectsCommandInput>) =>
    s3.client.send(new ListObjectsCommand({ Bucket: "videos", ...more }));

  test("given pages without a delimiter, when the last key is the next marker, then all keys are read", async () => {
    const keys: string[] = [];
    let Marker: string | undefined;
    for (let more: boolean | undefined = true; more; ) {
      const page = await listOld({ MaxKeys: 4, Marker });
      expect(page.NextMarker).toBeUndefined();
      keys.push(...(page.Contents?.map(({ Key }) => Key ?? "") ?? []));
      Marker = keys.at(-1);
      more = page.IsTruncated;
    }
    expect(keys).toEqual(KEYS);
  });

  test("given pages with a delimiter, when NextMarker is followed, then each folder comes once", async () => {
    const found: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await listOld({ MaxKeys: 1, Delimiter: "/", Marker });
      found.push(...(page.Contents?.map(({ Key }) => Key ?? "") ?? []));
      found.push(...(page.CommonPrefixes?.map(({ Prefix }) => Prefix ?? "") ?? []));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(found).toEqual(["a", "a/", "a0", "b/", "c", "d/", "z～", "z🎬"]);
  });
});
