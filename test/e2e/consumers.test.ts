import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { describe, expect, it, onTestFinished } from "vitest";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { startCommand } from "../fixtures/commands.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

/** An app of somebody else's: a folder without packages, outside of this project. */
async function makeApp(): Promise<{ file: string; write(says: string): Promise<void> }> {
  const folder = join(await temporaryFolder(), "my-app", "src");
  await mkdir(folder, { recursive: true });
  const file = join(folder, "handler.ts");
  const write = (says: string) =>
    writeFile(
      file,
      `import { subscribe } from "@video-split/events-schema";
       import { says } from "./says.js";
       export const handler = subscribe("SegmentCreated", async (segment) => says(segment.segment_index));`,
    ).then(() => writeFile(join(folder, "says.ts"), `export const says = (index: number): void => { ${says} };`));
  return { file, write };
}

/** A server in any language: answers with these statuses, the last one again and again. */
async function serveAnswers(...statuses: number[]) {
  const received: unknown[] = [];
  const server = createServer(async (request, response) => {
    received.push(await json(request));
    response.writeHead(statuses[Math.min(received.length, statuses.length) - 1]!).end("busy");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`, received };
}

const example = async (type: string) =>
  JSON.parse(await readFile(join(PROJECT_ROOT, `events-schema/examples/${type}.json`), "utf8")) as {
    source: string;
    detail: object;
  };

async function start(...args: string[]) {
  const command = await startCommand("start", ["--port", "0", "--state", await temporaryFolder(), ...args]);
  const greeting = await command.says("Events (Ctrl-C stops)");
  const endpoint = /http:\/\/127\.0\.0\.1:\d+/.exec(greeting)![0];
  const client = new EventBridgeClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  });
  onTestFinished(() => client.destroy());
  const put = async (type: string) => {
    const { source: Source, detail } = await example(type);
    const entry = { EventBusName: "video-split", Source, DetailType: type, Detail: JSON.stringify(detail) };
    await client.send(new PutEventsCommand({ Entries: [entry] }));
  };
  const stop = async () => {
    command.child.kill("SIGINT");
    expect((await command.ended).code).toBe(0);
  };
  return { ...command, greeting, port: new URL(endpoint).port, put, stop };
}

describe("npx video-split start, with a consumer of somebody else's", () => {
  it("runs a function of another folder, runs it again after a change, and keeps what it fails on until it is redriven", async () => {
    const app = await makeApp();
    await app.write("console.log('first', index)");
    const { greeting, port, put, says, stop } = await start("--consume", `SegmentCreated=${app.file}`);
    expect(greeting).toMatch(/SegmentCreated to .*my-app\/src\/handler\.handler \(consume-my-app-handler\)\n/);
    await put("VideoSplit");
    await put("SegmentCreated");
    await says("first 1");

    await app.write("console.log('second', index)");
    await put("SegmentCreated");
    await says("second 1");

    await app.write('throw new Error("not today")');
    await put("SegmentCreated");
    const output = await says("dead letter in consume-my-app-handler-dead-letters after 3 attempts: not today");
    // VideoSplit isn't its event.
    expect(output).not.toContain("its rule's pattern is too wide");

    await app.write("console.log('third', index)");
    const redrive = await startCommand("dead-letters", ["redrive", "--all", "--port", port]);
    expect((await redrive.ended).code).toBe(0);
    await says("third 1");
    await stop();
  });

  it("posts events to an address, again where that isn't answered with success", async () => {
    const { url, received } = await serveAnswers(503, 200, 500);
    const { put, says, stop } = await start("--forward", `VideoSplit,SegmentCreated=${url}`);
    await put("SplitPlanned");
    await put("VideoSplit");
    await expect.poll(() => received.length, { timeout: 30_000 }).toBe(2);
    expect(received[0]).toMatchObject({ "detail-type": "VideoSplit", detail: (await example("VideoSplit")).detail });
    expect(received[1]).toEqual(received[0]);

    await put("SegmentCreated");
    await says(`after 3 attempts: ${url} responded 500: busy`);
    await stop();
  });
});
