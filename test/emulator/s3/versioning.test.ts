import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
let Bucket: string;
let buckets = 0;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const setVersioning = (Status: "Enabled" | "Suspended") =>
  s3.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
const put = async (Body: string, Key = "k") =>
  (await s3.client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId;
const get = async (more: { VersionId?: string | undefined } = {}, Key = "k") =>
  (await s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToString();
const remove = (more: { VersionId?: string | undefined } = {}, Key = "k") =>
  s3.client.send(new DeleteObjectCommand({ Bucket, Key, ...more }));
const versions = (more = {}) => s3.client.send(new ListObjectVersionsCommand({ Bucket, ...more }));

beforeEach(async () => {
  Bucket = `versioned-${buckets++}`;
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});

describe("an unversioned bucket", () => {
  test("given no configuration, when versioning is requested, then there is none", async () => {
    const { Status } = await s3.client.send(new GetBucketVersioningCommand({ Bucket }));
    expect(Status).toBeUndefined();
  });

  test("given a put, then it has no version id, and its event none", async () => {
    expect(await put("1")).toBeUndefined();
    expect(s3.events.at(-1)).not.toHaveProperty("versionId");
  });
});

describe("an enabled bucket", () => {
  beforeEach(() => setVersioning("Enabled"));

  test("given two puts, when versions are read by their ids, then both are there", async () => {
    const [first, second] = [await put("1"), await put("2")];
    expect(first).toMatch(/^[\w.]{32}$/);
    expect([await get({ VersionId: first }), await get({ VersionId: second }), await get()]).toEqual(["1", "2", "2"]);
    expect(s3.events.at(-1)?.versionId).toBe(second);
  });

  test("given a delete, when the object is read, then it doesn't exist and the response has a delete marker", async () => {
    await put("1");
    const { DeleteMarker, VersionId } = await remove();
    expect(DeleteMarker).toBe(true);
    const read = await s3.send({ path: `/${Bucket}/k` });
    expect([read.status, read.headers["x-amz-delete-marker"], read.headers["x-amz-version-id"]]).toEqual([
      404,
      "true",
      VersionId,
    ]);
    expect((await s3.client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  });

  test("given a delete marker, when it is read by its id, then that is not allowed", async () => {
    await put("1");
    const { VersionId } = await remove();
    expect(await refusalOf(get({ VersionId }))).toBe("MethodNotAllowed");
    const head = s3.client.send(new HeadObjectCommand({ Bucket, Key: "k", VersionId }));
    await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 405 } });
  });

  test("given a delete marker, when it is deleted by its id, then the object is back", async () => {
    await put("1");
    const { VersionId } = await remove();
    expect((await remove({ VersionId })).DeleteMarker).toBe(true);
    expect(await get()).toBe("1");
  });

  test("given the newest version deleted by its id, when the object is read, then it is the one before", async () => {
    await put("1");
    await remove({ VersionId: await put("2") });
    expect(await get()).toBe("1");
  });

  test("given versions and markers, when they are listed, then the newest of each key comes first", async () => {
    const [first, second] = [await put("1"), await put("22")];
    const { VersionId: marker } = await remove();
    const other = await put("3", "l");
    const { Versions, DeleteMarkers } = await versions();
    expect(Versions?.map(({ Key, VersionId, IsLatest, Size }) => [Key, VersionId, IsLatest, Size])).toEqual([
      ["k", second, false, 2],
      ["k", first, false, 1],
      ["l", other, true, 1],
    ]);
    expect(DeleteMarkers?.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest])).toEqual([
      ["k", marker, true],
    ]);
  });

  test("given pages of two, when all are read, then no version is missing or twice", async () => {
    const made: (string | undefined)[] = [];
    for (const key of ["a", "b", "c"]) for (const body of "123") made.push(await put(body, key));
    const found: (string | undefined)[] = [];
    let markers = {};
    for (let more: boolean | undefined = true; more; ) {
      const page = await versions({ MaxKeys: 2, ...markers });
      found.push(...(page.Versions?.map(({ VersionId }) => VersionId) ?? []));
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      more = page.IsTruncated;
    }
    expect(found).toHaveLength(9);
    expect(new Set(found)).toEqual(new Set(made));
  });

  test("given ids that are none or belong to nothing, when they are read, then each is refused its own way", async () => {
    await put("1");
    expect(await refusalOf(get({ VersionId: "short" }))).toBe("InvalidArgument");
    expect(await refusalOf(get({ VersionId: "x".repeat(32) }))).toBe("NoSuchVersion");
  });

  test("given several deletions in one request, then each returns its marker or version", async () => {
    const version = await put("1");
    await put("2", "l");
    const Objects = [{ Key: "k", VersionId: version }, { Key: "l" }];
    const { Deleted } = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted?.[0]).toEqual({ Key: "k", VersionId: version });
    expect(Deleted?.[1]).toMatchObject({ Key: "l", DeleteMarker: true });
  });

  test("given If-None-Match *, when the newest version is a delete marker, then a put succeeds", async () => {
    await put("1");
    await remove();
    const call = s3.client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "2", IfNoneMatch: "*" }));
    expect(await refusalOf(call)).toBe("no refusal");
  });
});

describe("a suspended bucket", () => {
  test("given an object from before, when versioning began later, then its version is null", async () => {
    await put("before");
    await setVersioning("Enabled");
    await put("after");
    expect(await get({ VersionId: "null" })).toBe("before");
  });

  test("given puts while suspended, then the null version is replaced and others stay", async () => {
    await setVersioning("Enabled");
    const kept = await put("kept");
    await setVersioning("Suspended");
    expect([await put("1"), await put("2")]).toEqual(["null", "null"]);
    expect([await get(), await get({ VersionId: kept })]).toEqual(["2", "kept"]);
    expect((await versions()).Versions).toHaveLength(2);
  });

  test("given a delete while suspended, then a null marker takes the null version's place", async () => {
    await setVersioning("Suspended");
    await put("1");
    expect(await remove()).toMatchObject({ DeleteMarker: true, VersionId: "null" });
    expect(await refusalOf(get())).toBe("NoSuchKey");
    expect((await versions()).Versions).toBeUndefined();
  });
});
