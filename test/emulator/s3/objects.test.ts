import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, refusalOf, type S3Fixture, startS3, until } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const put = (Key: string, Body: string | Buffer | Readable, more = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket: "videos", Key, Body, ...more }));
const get = (Key: string, more = {}) => s3.client.send(new GetObjectCommand({ Bucket: "videos", Key, ...more }));
const head = (Key: string, more = {}) => s3.client.send(new HeadObjectCommand({ Bucket: "videos", Key, ...more }));

describe("content", () => {
  test("given a stored object, when it is read, then every byte is returned", async () => {
    const content = bytesOf(1_000_003);
    await put("whole", content);
    const { Body, ContentLength } = await get("whole");
    expect(ContentLength).toBe(content.length);
    expect(Buffer.from(await Body!.transformToByteArray()).equals(content)).toBe(true);
  });

  test("given an empty object, when it is read, then it has no bytes", async () => {
    await put("empty", Buffer.alloc(0));
    expect(await (await get("empty")).Body!.transformToString()).toBe("");
  });

  test("given a stream of known length, when it is put, then it is stored without its framing", async () => {
    const content = bytesOf(300_000);
    const pieces = [content.subarray(0, 70_000), content.subarray(70_000)];
    await put("streamed", Readable.from(pieces, { objectMode: false }), { ContentLength: content.length });
    const stored = await get("streamed");
    expect(stored.ContentEncoding).toBeUndefined();
    expect(Buffer.from(await stored.Body!.transformToByteArray()).equals(content)).toBe(true);
  });

  test("given an object, when it is put again, then the new content replaces the old and its file", async () => {
    await put("replaced", "old");
    const before = (await s3.contentFiles()).length;
    await put("replaced", "new");
    expect(await (await get("replaced")).Body!.transformToString()).toBe("new");
    await until(async () => (await s3.contentFiles()).length === before);
  });

  test("given a single put, then the entity tag is the MD5 of the content", async () => {
    const { ETag } = await put("tagged", "some content");
    expect(ETag).toBe(`"${createHash("md5").update("some content").digest("hex")}"`);
  });

  test("given no object, when it is read, then the key is unknown", async () => {
    expect(await refusalOf(get("nothing"))).toBe("NoSuchKey");
    expect(await refusalOf(head("nothing"))).toBe("NotFound");
  });

  test("given no bucket, when an object is read, then the bucket is unknown", async () => {
    expect(await refusalOf(get("x", { Bucket: "no-such-bucket" }))).toBe("NoSuchBucket");
  });
});

describe("deletion", () => {
  test("given an object, when it is deleted, then it and its file are removed", async () => {
    const before = await s3.contentFiles();
    await put("deleted", "x");
    await s3.client.send(new DeleteObjectCommand({ Bucket: "videos", Key: "deleted" }));
    expect(await refusalOf(head("deleted"))).toBe("NotFound");
    await until(async () => (await s3.contentFiles()).length === before.length);
  });

  test("given no object, when it is deleted, then that succeeds", async () => {
    const answer = await s3.client.send(new DeleteObjectCommand({ Bucket: "videos", Key: "never-there" }));
    expect(answer.$metadata.httpStatusCode).toBe(204);
  });

  test("given another entity tag, when an object is deleted on condition, then it stays", async () => {
    await put("kept", "x");
    const call = s3.client.send(new DeleteObjectCommand({ Bucket: "videos", Key: "kept", IfMatch: '"other"' }));
    expect(await refusalOf(call)).toBe("PreconditionFailed");
    expect(await refusalOf(head("kept"))).toBe("no refusal");
  });

  test("given many keys, when they are deleted in one request, then each is reported", async () => {
    await put("one", "1");
    await put("two & <2>", "2");
    const Objects = [{ Key: "one" }, { Key: "two & <2>" }, { Key: "missing" }];
    const answer = await s3.client.send(new DeleteObjectsCommand({ Bucket: "videos", Delete: { Objects } }));
    expect(answer.Deleted).toEqual(Objects);
    expect(await refusalOf(head("two & <2>"))).toBe("NotFound");
  });

  test("given quiet mode, when keys are deleted in one request, then only failures are reported", async () => {
    await put("loud", "1");
    const Objects = [{ Key: "loud" }, { Key: "k".repeat(1025) }];
    const answer = await s3.client.send(
      new DeleteObjectsCommand({ Bucket: "videos", Delete: { Objects, Quiet: true } }),
    );
    expect(answer.Deleted).toBeUndefined();
    expect(answer.Errors?.map((error) => error.Code)).toEqual(["KeyTooLongError"]);
  });

  test("given no digest of the list, when keys are deleted in one request, then it is refused", async () => {
    const body = "<Delete><Object><Key>one</Key></Object></Delete>";
    const answer = await s3.send({ method: "POST", path: "/videos?delete", body });
    expect(answer.body.toString()).toContain("<Code>InvalidRequest</Code>");
  });
});
