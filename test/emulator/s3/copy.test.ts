import { createHash } from "node:crypto";
import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
const Bucket = "videos";
beforeAll(async () => {
  s3 = await startS3();
  await s3.client.send(
    new PutObjectCommand({
      Bucket,
      Key: "source",
      Body: "content",
      ContentType: "video/mp4",
      Metadata: { cut: "exact" },
      Tagging: "team=a",
    }),
  );
});
afterAll(() => s3.stop());

const copy = (Key: string, more: Partial<CopyObjectCommandInput> = {}) =>
  s3.client.send(new CopyObjectCommand({ Bucket, Key, CopySource: "videos/source", ...more }));
const head = (Key: string) => s3.client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
const bodyOf = async (Key: string) =>
  (await s3.client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
const tagsOf = async (Key: string) => (await s3.client.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

describe("a copy", () => {
  test("given an object, when it is copied, then content, headers, metadata and tags come along", async () => {
    await copy("copied");
    expect(await bodyOf("copied")).toBe("content");
    expect(await head("copied")).toMatchObject({ ContentType: "video/mp4", Metadata: { cut: "exact" } });
    expect(await tagsOf("copied")).toEqual([{ Key: "team", Value: "a" }]);
    expect(s3.events.at(-1)).toMatchObject({ key: "copied", reason: "CopyObject", size: 7 });
  });

  test("given REPLACE, when an object is copied, then it has its own headers and tags", async () => {
    await copy("replaced", {
      MetadataDirective: "REPLACE",
      TaggingDirective: "REPLACE",
      ContentType: "text/plain",
      Metadata: { other: "1" },
      Tagging: "team=b",
    });
    expect(await head("replaced")).toMatchObject({ ContentType: "text/plain", Metadata: { other: "1" } });
    expect(await tagsOf("replaced")).toEqual([{ Key: "team", Value: "b" }]);
  });

  test("given a copy, when its source is deleted, then the copy stays whole", async () => {
    await s3.client.send(new PutObjectCommand({ Bucket, Key: "brief", Body: "brief" }));
    await copy("outliving", { CopySource: "videos/brief" });
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: "brief" }));
    expect(await bodyOf("outliving")).toBe("brief");
  });

  test.each(["odd + key%.mp4", "ünï/🎬", "a?b&c"])(
    "given source %s, when it is named URL-encoded, then it is found",
    async (Key) => {
      await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
      await copy("from-odd", { CopySource: encodeURIComponent(`/videos/${Key}`) });
      expect(await bodyOf("from-odd")).toBe(Key);
    },
  );

  test("given a source of many parts, when it is copied, then the copy is one piece with the MD5 of all", async () => {
    const content = bytesOf(5 * 2 ** 20 + 99);
    await new Upload({ client: s3.client, params: { Bucket, Key: "parts", Body: content } }).done();
    const { CopyObjectResult } = await copy("joined", { CopySource: "videos/parts" });
    expect(CopyObjectResult?.ETag).toBe(`"${createHash("md5").update(content).digest("hex")}"`);
    expect(await head("joined")).toMatchObject({ ContentLength: content.length, ChecksumType: "FULL_OBJECT" });
  });

  test("given another checksum algorithm, when an object is copied, then it is computed", async () => {
    const { CopyObjectResult } = await copy("hashed", { ChecksumAlgorithm: "SHA256" });
    expect(CopyObjectResult?.ChecksumSHA256).toBe(createHash("sha256").update("content").digest("base64"));
  });

  test("given an older version, when it is named, then that one is copied", async () => {
    const versioned = "copy-versions";
    await s3.client.send(new CreateBucketCommand({ Bucket: versioned }));
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await s3.client.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }));
    const old = await s3.client.send(new PutObjectCommand({ Bucket: versioned, Key: "k", Body: "old" }));
    await s3.client.send(new PutObjectCommand({ Bucket: versioned, Key: "k", Body: "new" }));
    const answer = await copy("from-version", { CopySource: `${versioned}/k?versionId=${old.VersionId}` });
    expect(answer.CopySourceVersionId).toBe(old.VersionId);
    expect(await bodyOf("from-version")).toBe("old");
  });

  test("given an object, when it is copied onto itself unchanged, then that is refused", async () => {
    expect(await refusalOf(copy("source"))).toBe("InvalidRequest");
    expect(await refusalOf(copy("source", { StorageClass: "STANDARD" }))).toBe("no refusal");
  });

  test("given no source, when it is copied, then it is unknown", async () => {
    expect(await refusalOf(copy("x", { CopySource: "videos/nothing" }))).toBe("NoSuchKey");
    expect(await refusalOf(copy("x", { CopySource: "no-such-bucket/k" }))).toBe("NoSuchBucket");
    expect(await refusalOf(copy("x", { CopySource: "videos" }))).toBe("InvalidArgument");
  });

  test("given conditions on the source, when they don't hold, then nothing is copied", async () => {
    const { ETag } = await head("source");
    expect(await refusalOf(copy("conditional", { CopySourceIfMatch: '"other"' }))).toBe("PreconditionFailed");
    expect(await refusalOf(copy("conditional", { CopySourceIfNoneMatch: ETag }))).toBe("PreconditionFailed");
    expect(await refusalOf(copy("conditional", { CopySourceIfMatch: ETag }))).toBe("no refusal");
  });
});
