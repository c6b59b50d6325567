import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, CREDENTIALS, REGION, type S3Fixture, startS3 } from "./s3-fixture.ts";

const run = promisify(execFile);
const isInstalled = spawnSync("aws", ["--version"]).status === 0;

const name = isInstalled ? "the AWS CLI" : "the AWS CLI (SKIPPED: no `aws` on PATH, so nothing here was tried)";

describe.skipIf(!isInstalled)(name, { tags: "full" }, () => {
  let s3: S3Fixture;
  let folder: string;
  beforeAll(async () => {
    s3 = await startS3();
    folder = await mkdtemp(join(tmpdir(), "video-split-aws-"));
  });
  afterAll(async () => {
    await s3.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function aws(...args: string[]): Promise<string> {
    // As a flag: the CLI of Debian 12 doesn't know AWS_ENDPOINT_URL yet, and would talk to AWS.
    const { stdout } = await run("aws", ["--endpoint-url", s3.endpoint, ...args], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
        AWS_DEFAULT_REGION: REGION,
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_PAGER: "",
      },
    });
    return stdout;
  }
  const awsJson = async (...args: string[]) => JSON.parse((await aws(...args, "--output", "json")) || "{}");

  test("given a file of 20 MB, when it is copied up and down, then it goes in parts and is returned whole", async () => {
    const content = bytesOf(20_000_000);
    await writeFile(join(folder, "big.bin"), content);
    await aws("s3", "cp", "big.bin", "s3://videos/dir/big one.bin");
    expect(s3.events.at(-1)).toMatchObject({
      key: "dir/big one.bin",
      reason: "CompleteMultipartUpload",
      size: 20_000_000,
    });
    await aws("s3", "cp", "s3://videos/dir/big one.bin", "back.bin");
    expect((await readFile(join(folder, "back.bin"))).equals(content)).toBe(true);
  });

  test("given objects, when the bucket is listed, then folders, sizes and names are shown", async () => {
    await s3.send({ method: "PUT", path: "/videos/list/a%2Bb%20c.mp4", body: "12345" });
    await s3.send({ method: "PUT", path: "/videos/list/%F0%9F%8E%AC%26%3C%3E.mp4", body: "1" });
    await s3.send({ method: "PUT", path: "/videos/list/sub/x", body: "1" });
    const listing = await aws("s3", "ls", "s3://videos/list/");
    expect(listing).toMatch(/^ +PRE sub\/$/m);
    expect(listing).toMatch(/ 5 a\+b c\.mp4$/m);
    expect(listing).toMatch(/ 1 🎬&<>\.mp4$/m);
  });

  test("given a folder, when it is synchronised twice and a file is removed, then the bucket follows", async () => {
    await mkdir(join(folder, "tree", "sub dir"), { recursive: true });
    await writeFile(join(folder, "tree", "one.txt"), "1");
    await writeFile(join(folder, "tree", "sub dir", "zwei ü.txt"), "22");
    // The CLI sends a file again that is younger than the object, whose time is the whole second before.
    for (const file of ["one.txt", join("sub dir", "zwei ü.txt")]) await utimes(join(folder, "tree", file), 1, 1);
    expect((await aws("s3", "sync", "tree", "s3://videos/tree")).match(/upload:/g)).toHaveLength(2);
    expect(await aws("s3", "sync", "tree", "s3://videos/tree")).toBe("");
    await rm(join(folder, "tree", "one.txt"));
    await aws("s3", "sync", "tree", "s3://videos/tree", "--delete");
    const { Contents } = await awsJson("s3api", "list-objects-v2", "--bucket", "videos", "--prefix", "tree/");
    expect(Contents.map(({ Key }: { Key: string }) => Key)).toEqual(["tree/sub dir/zwei ü.txt"]);
  });

  test("given an object, when it is moved and removed, then it is at no place", async () => {
    await s3.send({ method: "PUT", path: "/videos/mv/a", body: "content" });
    await aws("s3", "mv", "s3://videos/mv/a", "s3://videos/mv/b + c");
    expect((await s3.send({ path: "/videos/mv/b%20%2B%20c" })).body.toString()).toBe("content");
    expect((await s3.send({ path: "/videos/mv/a" })).status).toBe(404);
    await aws("s3", "rm", "s3://videos/mv/", "--recursive");
    expect((await s3.send({ path: "/videos/mv/b%20%2B%20c" })).status).toBe(404);
  });

  // CRC32C and CRC64NVME need the CLI's optional native library; the SDK and raw requests try them elsewhere.
  test.each(["CRC32", "SHA1", "SHA256"])(
    "given %s, when put-object computes it, then the server agrees and returns it",
    async (algorithm) => {
      const where = ["--bucket", "videos", "--key", `sum-${algorithm}`];
      await writeFile(join(folder, "sum.txt"), "123456789");
      const put = ["s3api", "put-object", ...where, "--body", "sum.txt", "--checksum-algorithm", algorithm];
      const sent = await awsJson(...put);
      const got = await awsJson("s3api", "head-object", ...where, "--checksum-mode", "ENABLED");
      expect(sent[`Checksum${algorithm}`]).toMatch(/=$/);
      expect(got[`Checksum${algorithm}`]).toBe(sent[`Checksum${algorithm}`]);
    },
  );

  test("given metadata and tags, when put-object sends them, then head-object and get-object-tagging return them", async () => {
    await writeFile(join(folder, "meta.txt"), "x");
    const where = ["--bucket", "videos", "--key", "meta"];
    const more = [
      "--body",
      "meta.txt",
      "--metadata",
      "segment-seconds=2.5",
      "--tagging",
      "a=1",
      "--content-type",
      "video/mp4",
    ];
    await aws("s3api", "put-object", ...where, ...more);
    expect(await awsJson("s3api", "head-object", ...where)).toMatchObject({
      ContentType: "video/mp4",
      Metadata: { "segment-seconds": "2.5" },
    });
    expect((await awsJson("s3api", "get-object-tagging", ...where)).TagSet).toEqual([{ Key: "a", Value: "1" }]);
  });

  test("given a presigned URL, when it is fetched, then the object comes", async () => {
    await s3.send({ method: "PUT", path: "/videos/signed%20one", body: "content" });
    const url = (await aws("s3", "presign", "s3://videos/signed one", "--expires-in", "60")).trim();
    expect(await (await fetch(url)).text()).toBe("content");
  });

  test("given a bucket with an object, when it is created and removed by force, then it doesn't exist", async () => {
    await aws("s3", "mb", "s3://cli-bucket");
    await writeFile(join(folder, "kept.txt"), "x");
    await aws("s3", "cp", "kept.txt", "s3://cli-bucket/x");
    expect(await aws("s3", "ls")).toContain("cli-bucket");
    await aws("s3", "rb", "s3://cli-bucket", "--force");
    expect(await aws("s3", "ls")).not.toContain("cli-bucket");
  });

  test("given no object, when the CLI reads it, then it fails and says why", async () => {
    await expect(aws("s3api", "get-object", "--bucket", "videos", "--key", "nothing", "out")).rejects.toThrow(
      /NoSuchKey/,
    );
  });
});
