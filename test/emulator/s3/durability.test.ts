import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openS3 } from "../../../infra/emulator/s3/index.ts";
import { bytesOf, elementOf, type S3Fixture, sendRaw, startS3, until } from "./s3-fixture.ts";

describe("a restart", () => {
  let s3: S3Fixture;
  beforeEach(async () => {
    s3 = await startS3();
  });
  afterEach(() => s3.stop());

  const Bucket = "videos";
  const put = (Key: string, Body: string, more = {}) =>
    s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

  test("given objects, versions and settings, when the server is restarted, then all are as before", async () => {
    await put("unversioned", "0", { Metadata: { a: "1" }, Tagging: "t=1" });
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await s3.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    await put("k", "1");
    await put("k", "2");
    await s3.send({ method: "DELETE", path: "/videos/k" });
    const NotificationConfiguration = { EventBridgeConfiguration: {} };
    await s3.client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
    const everything = async () => {
      const paths = ["?versions", "?versioning", "?notification", "?list-type=2", "/unversioned?tagging"];
      const answers = await Promise.all(paths.map((path) => s3.send({ path: `/videos${path}` })));
      return answers.map(({ body }) => body.toString());
    };
    const before = await everything();
    await s3.restart();
    await s3.restart();
    expect(await everything()).toEqual(before);
    const { Metadata } = await s3.client.send(new GetObjectCommand({ Bucket, Key: "unversioned" }));
    expect(Metadata).toEqual({ a: "1" });
  });

  test("given an upload in parts, when the server is restarted in between, then it can be completed", async () => {
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key: "parts" }));
    const first = bytesOf(5 * 2 ** 20);
    const upload = (PartNumber: number, Body: Buffer) =>
      s3.client.send(new UploadPartCommand({ Bucket, Key: "parts", UploadId, PartNumber, Body }));
    const one = await upload(1, first);
    await s3.restart();
    const two = await upload(2, Buffer.from("end"));
    const Parts = [one, two].map(({ ETag, ChecksumCRC32 }, index) => ({ PartNumber: index + 1, ETag, ChecksumCRC32 }));
    await s3.client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: "parts", UploadId, MultipartUpload: { Parts } as never }),
    );
    await s3.restart();
    const { body } = await s3.send({ path: "/videos/parts" });
    expect(body.equals(Buffer.concat([first, Buffer.from("end")]))).toBe(true);
  });

  test("given a copy whose source was replaced, when the server is restarted, then its content is still there", async () => {
    await put("source", "first");
    await s3.send({ method: "PUT", path: "/videos/copy", headers: { "x-amz-copy-source": "videos/source" } });
    await put("source", "second");
    await s3.restart();
    expect((await s3.send({ path: "/videos/copy" })).body.toString()).toBe("first");
    expect(await s3.contentFiles()).toHaveLength(2);
  });
});

describe("what a crash leaves", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "video-split-s3-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const open = () => openS3({ directory, region: "us-east-1", onObjectCreated: async () => {} });

  test("given content that nothing names, when the server is opened, then it is removed", async () => {
    await (await open()).close();
    await writeFile(join(directory, "blobs", "half-an-upload"), "x");
    await (await open()).close();
    expect(await readdir(join(directory, "blobs"))).toEqual([]);
  });

  test("given a last line that was never finished, when the server is opened, then it is as if it had not begun", async () => {
    const first = await open();
    await first.createBucket("videos");
    await first.close();
    await appendFile(join(directory, "journal.jsonl"), '{"type":"BucketDeleted","buc');
    const second = await open();
    await second.createBucket("others");
    await second.close();
    await (await open()).close();
  });

  test("given damage in the middle, when the server is opened, then it refuses, and loses nothing", async () => {
    await writeFile(join(directory, "journal.jsonl"), '{"type":"Sequ\n{"type":"SequencerReached","sequencer":"1"}\n');
    await expect(open()).rejects.toThrow(/journal\.jsonl is damaged \(line 1 is not JSON\)\. Restore it/);
  });
});

describe("kill -9", () => {
  let directory: string;
  let child: ChildProcess;
  let port: number;

  async function start(): Promise<void> {
    const script = fileURLToPath(new URL("./server-process.ts", import.meta.url));
    child = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(child.stdout!, "data");
    port = Number(String(line));
  }

  async function kill(): Promise<void> {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "video-split-s3-"));
    await start();
  });
  afterEach(async () => {
    await kill();
    await rm(directory, { recursive: true, force: true });
  });

  test("given running writers, when the server is killed, then every acknowledged object is complete", async () => {
    const acknowledged: string[] = [];
    const write = async (writer: number): Promise<void> => {
      for (let count = 0; ; count++) {
        const key = `${writer}-${count}`;
        const answer = await sendRaw(port, { method: "PUT", path: `/videos/${key}`, body: key.repeat(10_000) });
        expect(answer.status).toBe(200);
        acknowledged.push(key);
      }
    };
    const writers = [1, 2, 3, 4].map((writer) => write(writer).catch((error: NodeJS.ErrnoException) => error.code));
    await until(() => acknowledged.length >= 100);
    await kill();
    expect(await Promise.all(writers)).not.toContain(undefined);
    await start();
    for (const key of acknowledged) {
      const { body } = await sendRaw(port, { path: `/videos/${key}` });
      expect(body.toString() === key.repeat(10_000), key).toBe(true);
    }
  });

  test("given an upload in mid-body, when the server is killed, then neither object nor file is left", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write("PUT /videos/half HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    socket.write(bytesOf(100_000));
    await until(async () => (await readdir(join(directory, "blobs"))).length === 1);
    await kill();
    expect(await readdir(join(directory, "blobs"))).toHaveLength(1);
    await start();
    expect(await readdir(join(directory, "blobs"))).toEqual([]);
    expect(elementOf(await sendRaw(port, { path: "/videos/half" }), "Code")).toBe("NoSuchKey");
  });
});
