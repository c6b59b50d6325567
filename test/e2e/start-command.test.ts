import { execFileSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { glob, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it, onTestFinished } from "vitest";
import { type CommandOptions, processesNaming, startCommand } from "../fixtures/commands.ts";
import { makeMedia } from "../fixtures/media.ts";
import { modesIn } from "../fixtures/modes.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

const startWith = (options: CommandOptions, state: string, port = 0, ...more: string[]) =>
  startCommand("start", ["--port", String(port), "--state", state, ...more], options);

const FULL_BYTES = 32 * 1_024;

const start = (state: string, port = 0, ...more: string[]) => startWith({}, state, port, ...more);

const endpointIn = (output: string): string => /http:\/\/127\.0\.0\.1:\d+/.exec(output)![0];

const client = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "x", secretAccessKey: "x" },
});

async function upload(endpoint: string, path: string): Promise<void> {
  const s3 = new S3Client(client(endpoint));
  const put = {
    Bucket: "video-split-uploads",
    Key: "uploads/film.mp4",
    Body: createReadStream(path),
    Metadata: { "segment-seconds": "2" },
  };
  await s3.send(new PutObjectCommand(put));
  s3.destroy();
}

async function countDocuments(endpoint: string): Promise<number | undefined> {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(client(endpoint)));
  const { Count } = await documents.send(new ScanCommand({ TableName: "video-split-videos" }));
  documents.destroy();
  return Count;
}

describe("npx video-split start", () => {
  it("prints its endpoint and a command to upload with, shows events live, and leaves nothing running after Ctrl-C", async () => {
    const state = await temporaryFolder();
    const { child, says, ended, temporary } = await startWith({ umask: 0 }, state);
    const greeting = await says("Events (Ctrl-C stops)");
    const endpoint = endpointIn(greeting);
    expect(greeting).toMatch(new RegExp(`\n  ${endpoint}/console#[\\w-]{32}\n`));
    expect(greeting).toContain(`aws --endpoint-url ${endpoint} s3 cp VIDEO.mp4 s3://video-split-uploads/uploads/`);

    const key = "uploads/\u001b[2J\u202efaked\nVideoSplit.txt";
    const s3 = new S3Client(client(endpoint));
    await s3.send(new PutObjectCommand({ Bucket: "video-split-uploads", Key: key, Body: "x" }));
    s3.destroy();
    await says("s3://video-split-uploads/uploads/\\u001b[2J\\u202efaked\\nVideoSplit.txt\n");

    await upload(endpoint, await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    const output = await says("  VideoSplit  ");
    expect(output).toMatch(/video-split {2}SegmentCreated {2}\d+ {2}#2 {2}segments\/film\//);

    const rightsOfOthers = async () => [...(await modesIn(state))].filter(([, mode]) => (mode & 0o077) !== 0);
    expect(await rightsOfOthers()).toEqual([]);

    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
    expect(await rightsOfOthers()).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
    expect(await readdir(`${state}/lambda`)).toEqual([]);
    expect(await processesNaming(temporary)).toEqual([]);
  });

  it("killed with -9 in the middle of a split, continues it when it's started again", { tags: "full" }, async () => {
    const state = await temporaryFolder();
    const first = await start(state);
    await upload(
      endpointIn(await first.says("Events (Ctrl-C stops)")),
      await makeMedia(await temporaryFolder(), "no-audio.mp4"),
    );
    await first.says("SplitPlanned");
    first.child.kill("SIGKILL");
    await first.ended;

    const second = await start(state);
    const endpoint = endpointIn(await second.says("VideoSplit"));
    await expect.poll(() => countDocuments(endpoint), { timeout: 20_000 }).toBe(4);
    second.child.kill("SIGTERM");
    await second.ended;
  });

  it("stops with a one-line message when the disk is full, and has everything that it acknowledged after a restart", async () => {
    const state = await temporaryFolder();
    const first = await start(state);
    const endpoint = endpointIn(await first.says("Events (Ctrl-C stops)"));
    // No file of this process can grow beyond that, which the kernel says as it says that the disk is full.
    execFileSync("prlimit", ["--pid", String(first.child.pid), `--fsize=${FULL_BYTES}`]);
    const acknowledged: string[] = [];
    const s3 = new S3Client({ ...client(endpoint), maxAttempts: 1 });
    const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket: "video-split-uploads", Key, Body: "x" }));
    for (let refused = false; !refused; ) {
      const key = `kept/${acknowledged.length}.txt`;
      refused = await put(key).then(
        () => !acknowledged.push(key),
        () => true,
      );
    }
    const { code, stderr } = await first.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /(?:^|\n)The disk is full \(\S+\.jsonl could not be written\)\. Free some space and start again\. .*\n$/,
    );

    const second = await start(state);
    const again = new S3Client(client(endpointIn(await second.says("Events (Ctrl-C stops)"))));
    const found: (string | undefined)[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client: again }, { Bucket: "video-split-uploads" }))
      found.push(...Contents.map(({ Key }) => Key));
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(found).toEqual(expect.arrayContaining(acknowledged));
    const log = await readFile((await glob(`${state}/events/buses/default-*/log.jsonl`).next()).value!, "utf8");
    for (const key of acknowledged) expect(log).toContain(`"key":"${key}"`);
    again.destroy();
    s3.destroy();
    second.child.kill("SIGINT");
    expect((await second.ended).code).toBe(0);
  });

  it("injects the requested faults, reports them, and splits all the same", { tags: "full" }, async () => {
    const { child, says, ended } = await start(await temporaryFolder(), 0, "--faults", "24");
    const greeting = await says("Events (Ctrl-C stops)");
    expect(greeting).toContain("Faults of seed 24: delivery duplicated, delivery again later\n");
    await upload(endpointIn(greeting), await makeMedia(await temporaryFolder(), "no-audio.mp4"));
    expect(await says("VideoSplit")).toContain("fault: delivery duplicated\n");
    child.kill("SIGINT");
    expect((await ended).code).toBe(0);
  });

  it("answers a seed that is none in one line", async () => {
    const { code, stderr } = await (await start(await temporaryFolder(), 0, "--faults", "many")).ended;
    expect([code, stderr]).toEqual([1, '--faults is "many"; it must be a whole number from 0\n']);
  });

  it("says in one line that the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await (await start(await temporaryFolder(), port)).ended;
    expect(code).toBe(1);
    expect(stderr).toBe(`Port ${port} is in use. Stop what listens there, or choose another one: --port ${port + 1}\n`);
  });

  it("doesn't write to the state of another stack", { tags: "full" }, async () => {
    const state = await temporaryFolder();
    const first = await start(state);
    await first.says("Events (Ctrl-C stops)");
    const { code, stderr } = await (await start(state)).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/is in use by another stack \(process \d+\)/);
    first.child.kill("SIGINT");
    await first.ended;
  });
});
