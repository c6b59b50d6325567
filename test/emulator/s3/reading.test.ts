import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elementOf, refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
let etag: string;
let modified: Date;
beforeAll(async () => {
  s3 = await startS3();
  const put = await s3.client.send(new PutObjectCommand({ Bucket: "videos", Key: "digits", Body: "0123456789" }));
  etag = put.ETag ?? "";
  const head = await s3.client.send(new HeadObjectCommand({ Bucket: "videos", Key: "digits" }));
  modified = head.LastModified!;
  await s3.client.send(new PutObjectCommand({ Bucket: "videos", Key: "empty", Body: Buffer.alloc(0) }));
});
afterAll(() => s3.stop());

const get = (more: object) => s3.client.send(new GetObjectCommand({ Bucket: "videos", Key: "digits", ...more }));
const raw = (headers: Record<string, string>, method = "GET", key = "digits") =>
  s3.send({ method, path: `/videos/${key}`, headers });
const SECOND = 1000;
const moved = (seconds: number) => new Date(modified.getTime() + seconds * SECOND);

describe("ranges", () => {
  test.each([
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-30", "0123456789", "bytes 0-9/10"],
    ["bytes=8-100", "89", "bytes 8-9/10"],
    ["bytes=0-0", "0", "bytes 0-0/10"],
  ])("given %s, when the object is read, then %s is sent", async (range, content, contentRange) => {
    const answer = await raw({ range });
    expect([answer.status, answer.body.toString(), answer.headers["content-range"]]).toEqual([
      206,
      content,
      contentRange,
    ]);
    expect(answer.headers["content-length"]).toBe(String(content.length));
  });

  test.each(["bytes=10-", "bytes=10-12", "bytes=-0"])(
    "given %s, when the object is read, then no bytes match",
    async (range) => {
      const answer = await raw({ range });
      expect([answer.status, elementOf(answer, "Code")]).toEqual([416, "InvalidRange"]);
      expect(answer.headers["content-range"]).toBe("bytes */10");
    },
  );

  test.each(["bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=-", "bytes=a-b"])(
    "given %s, which is no single range, when the object is read, then it is sent whole",
    async (range) => {
      const answer = await raw({ range });
      expect([answer.status, answer.body.toString()]).toEqual([200, "0123456789"]);
    },
  );

  test("given an empty object, when a range of it is read, then no bytes match", async () => {
    expect((await raw({ range: "bytes=0-" }, "GET", "empty")).status).toBe(416);
  });

  test("given a range, when only the head is requested, then it describes that range", async () => {
    const answer = await raw({ range: "bytes=1-2" }, "HEAD");
    expect([answer.status, answer.headers["content-length"]]).toEqual([206, "2"]);
  });

  test("given If-Range, when the object is another one by now, then it is sent whole", async () => {
    expect((await raw({ range: "bytes=0-1", "if-range": etag })).body.toString()).toBe("01");
    expect((await raw({ range: "bytes=0-1", "if-range": '"other"' })).body.toString()).toBe("0123456789");
  });

  test("given an object of one piece, when its part is read, then the first is all of it and there is no second", async () => {
    expect(await (await get({ PartNumber: 1 })).Body!.transformToString()).toBe("0123456789");
    expect(await refusalOf(get({ PartNumber: 2 }))).toBe("InvalidPartNumber");
  });
});

describe("conditions of a read", () => {
  test("given the object's entity tag, then If-Match reads and If-None-Match doesn't", async () => {
    expect((await raw({ "if-match": etag })).status).toBe(200);
    expect((await raw({ "if-none-match": etag })).status).toBe(304);
    expect((await raw({ "if-none-match": `"other", ${etag}` })).status).toBe(304);
  });

  test("given another entity tag, then If-Match doesn't read and If-None-Match does", async () => {
    expect(await refusalOf(get({ IfMatch: '"other"' }))).toBe("PreconditionFailed");
    expect((await raw({ "if-none-match": '"other"' })).status).toBe(200);
  });

  test("given times around the last change, then If-Modified-Since and If-Unmodified-Since follow them", async () => {
    const statusSince = async (name: string, seconds: number) =>
      (await raw({ [name]: moved(seconds).toUTCString() })).status;
    expect(await statusSince("if-modified-since", 0)).toBe(304);
    expect(await statusSince("if-modified-since", -1)).toBe(200);
    expect(await statusSince("if-unmodified-since", 0)).toBe(200);
    expect(await statusSince("if-unmodified-since", -1)).toBe(412);
  });

  test("given an entity tag and a time that disagree, then the tag decides", async () => {
    const before = moved(-1).toUTCString();
    const now = moved(0).toUTCString();
    expect((await raw({ "if-match": etag, "if-unmodified-since": before })).status).toBe(200);
    expect((await raw({ "if-none-match": etag, "if-modified-since": before })).status).toBe(304);
    expect((await raw({ "if-none-match": '"other"', "if-modified-since": now })).status).toBe(200);
  });

  test("given an unchanged object, then the answer has its tag and no body", async () => {
    const answer = await raw({ "if-none-match": etag });
    expect([answer.headers.etag, answer.body.length]).toEqual([etag, 0]);
  });

  test("given a date that is none, then it is ignored", async () => {
    expect((await raw({ "if-modified-since": "yesterday" })).status).toBe(200);
  });
});

describe("conditions of a write", () => {
  const put = (Key: string, more: object) =>
    s3.client.send(new PutObjectCommand({ Bucket: "videos", Key, Body: "x", ...more }));

  test("given If-None-Match *, then only the first of many writers succeeds", async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => refusalOf(put("first", { IfNoneMatch: "*" }))));
    expect(outcomes.filter((outcome) => outcome === "no refusal")).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(["no refusal", "PreconditionFailed"]));
  });

  test("given If-Match, then only that object is replaced", async () => {
    const { ETag } = await put("matched", {});
    expect(await refusalOf(put("matched", { IfMatch: '"other"' }))).toBe("PreconditionFailed");
    expect(await refusalOf(put("matched", { IfMatch: ETag }))).toBe("no refusal");
    expect(await refusalOf(put("absent", { IfMatch: ETag }))).toBe("NoSuchKey");
  });

  test("given If-None-Match with a tag, then that isn't implemented, as in S3", async () => {
    expect(await refusalOf(put("matched", { IfNoneMatch: '"other"' }))).toBe("NotImplemented");
  });
});
