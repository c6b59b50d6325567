import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import {
  DeleteObjectTaggingCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const put = (Key: string, Body: string | Buffer | Readable, more = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket: "videos", Key, Body, ...more }));
const get = (Key: string, more = {}) => s3.client.send(new GetObjectCommand({ Bucket: "videos", Key, ...more }));
const head = (Key: string, more = {}) => s3.client.send(new HeadObjectCommand({ Bucket: "videos", Key, ...more }));

describe("attributes", () => {
  const attributes = {
    ContentType: "video/mp4",
    ContentEncoding: "gzip",
    CacheControl: "max-age=60",
    ContentDisposition: 'attachment; filename="a.mp4"',
    ContentLanguage: "en",
    StorageClass: "STANDARD_IA",
    WebsiteRedirectLocation: "/elsewhere",
    Metadata: { "segment-seconds": "2.5", cut: "exact" },
  } as const;

  test("given metadata named as members of each object, when the object is read, then it is returned", async () => {
    const names = ["constructor", "__proto__", "toString", "hasOwnProperty"].map((name) => `x-amz-meta-${name}`);
    const headers = Object.fromEntries(names.map((name) => [name, name]));
    await s3.send({ method: "PUT", path: "/videos/members", body: "x", headers });
    const read = await s3.send({ path: "/videos/members" });
    for (const name of names) expect(read.headers[name.toLowerCase()]).toBe(name);
  });

  test("given headers at upload, when the object is read, then they are returned", async () => {
    await put("described", "x", attributes);
    expect(await head("described")).toMatchObject(attributes);
  });

  test("given an expiry header, when the object is read, then it is returned verbatim", async () => {
    const expires = "Wed, 21 Oct 2026 07:28:00 GMT";
    await put("expiring", "x", { Expires: new Date(expires) });
    expect((await head("expiring")).ExpiresString).toBe(expires);
  });

  test("given encoded words in metadata, when the object is read, then the same text is returned encoded", async () => {
    const word = `=?UTF-8?B?${Buffer.from("Zürich 🎬").toString("base64")}?=`;
    await put("unicode", "x", { Metadata: { place: word } });
    expect((await head("unicode")).Metadata).toEqual({ place: word });
  });

  test("given encoded words of plain text, when the object is read, then the text itself is returned", async () => {
    await put("quoted", "x", { Metadata: { place: "=?utf-8?Q?New_York=21?=" } });
    expect((await head("quoted")).Metadata).toEqual({ place: "New York!" });
  });

  test("given more than 2 KB of metadata, when the object is put, then it is refused", async () => {
    expect(await refusalOf(put("heavy", "x", { Metadata: { long: "m".repeat(2045) } }))).toBe("MetadataTooLarge");
    expect(await refusalOf(put("heavy", "x", { Metadata: { long: "m".repeat(2044) } }))).toBe("no refusal");
  });

  test("given one metadata header twice, when the object is read, then both values are returned joined by a comma", async () => {
    const headers = { "x-amz-meta-who": ["a", "b"], "content-length": "0" };
    await s3.send({ method: "PUT", path: "/videos/twice", headers });
    expect((await head("twice")).Metadata).toEqual({ who: "a,b" });
  });

  test("given response overrides, when the object is read, then they replace its headers", async () => {
    await put("overridden", "x", attributes);
    const answer = await get("overridden", {
      ResponseContentType: "text/plain",
      ResponseContentDisposition: "inline; filename=ü+1.txt",
    });
    expect(answer.ContentType).toBe("text/plain");
    expect(Buffer.from(answer.ContentDisposition ?? "", "latin1").toString()).toBe("inline; filename=ü+1.txt");
  });

  test("given an override with a line break, when the object is read, then no header is smuggled in", async () => {
    await put("smuggled", "x");
    const { status } = await s3.send({ path: "/videos/smuggled?response-content-type=a%0d%0ax-evil:%201" });
    expect(status).toBe(400);
  });

  test("given a public ACL, when the object is put, then it is refused as ACLs are disabled", async () => {
    expect(await refusalOf(put("public", "x", { ACL: "public-read" }))).toBe("AccessControlListNotSupported");
  });

  test("given a customer's encryption key, when the object is put, then that isn't implemented", async () => {
    const headers = { "x-amz-server-side-encryption-customer-algorithm": "AES256", "content-length": "0" };
    expect((await s3.send({ method: "PUT", path: "/videos/sse", headers })).status).toBe(501);
  });

  test("given an archived object, when it is read, then it must be restored first", async () => {
    await put("archived", "x", { StorageClass: "GLACIER" });
    expect(await refusalOf(get("archived"))).toBe("InvalidObjectState");
  });

  test("given an object, when its attributes are requested, then size, tag and checksum are returned", async () => {
    await put("known", "known", { ChecksumAlgorithm: "SHA256" });
    const answer = await s3.client.send(
      new GetObjectAttributesCommand({
        Bucket: "videos",
        Key: "known",
        ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass"],
      }),
    );
    const { Checksum, ETag, ObjectSize, StorageClass } = answer;
    expect({ Checksum, ETag, ObjectSize, StorageClass }).toEqual({
      Checksum: {
        ChecksumSHA256: createHash("sha256").update("known").digest("base64"),
        ChecksumType: "FULL_OBJECT",
      },
      ETag: createHash("md5").update("known").digest("hex"),
      ObjectSize: 5,
      StorageClass: "STANDARD",
    });
  });

  test("given an object, when its ACL is requested, then only the owner may do anything", async () => {
    await put("private", "x");
    const acl = await s3.client.send(new GetObjectAclCommand({ Bucket: "videos", Key: "private" }));
    expect(acl.Grants).toEqual([{ Grantee: { ID: acl.Owner?.ID, Type: "CanonicalUser" }, Permission: "FULL_CONTROL" }]);
  });
});

describe("tags", () => {
  const tagsOf = async (Key: string) =>
    (await s3.client.send(new GetObjectTaggingCommand({ Bucket: "videos", Key }))).TagSet;
  const setTags = (Key: string, TagSet: { Key: string; Value: string }[]) =>
    s3.client.send(new PutObjectTaggingCommand({ Bucket: "videos", Key, Tagging: { TagSet } }));

  test("given tags at upload, when they are requested, then they are returned decoded", async () => {
    await put("tags-header", "x", { Tagging: "team=a%26b&empty=" });
    expect(await tagsOf("tags-header")).toEqual([
      { Key: "team", Value: "a&b" },
      { Key: "empty", Value: "" },
    ]);
    expect((await get("tags-header")).TagCount).toBe(2);
  });

  test("given tags, when they are set again, then the new ones replace the old", async () => {
    await put("tags-set", "x", { Tagging: "old=1" });
    await setTags("tags-set", [{ Key: "<new>", Value: "ü & 'x'" }]);
    expect(await tagsOf("tags-set")).toEqual([{ Key: "<new>", Value: "ü & 'x'" }]);
  });

  test("given tags, when they are deleted, then none are left", async () => {
    await put("tags-gone", "x", { Tagging: "old=1" });
    await s3.client.send(new DeleteObjectTaggingCommand({ Bucket: "videos", Key: "tags-gone" }));
    expect(await tagsOf("tags-gone")).toEqual([]);
  });

  test("given one key twice or eleven tags, when they are set, then they are refused", async () => {
    await put("tags-bad", "x");
    const twice = [
      { Key: "a", Value: "1" },
      { Key: "a", Value: "2" },
    ];
    const eleven = Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    expect(await refusalOf(setTags("tags-bad", twice))).toBe("InvalidTag");
    expect(await refusalOf(setTags("tags-bad", eleven))).toBe("InvalidTag");
  });
});
