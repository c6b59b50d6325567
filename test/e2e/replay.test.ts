import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, it, onTestFinished } from "vitest";
import { functionArn } from "../../infra/emulator/arns.ts";
import type { InterceptDelivery } from "../../infra/emulator/faults/deliveries.ts";
import { ProjectorNotFoundError } from "../../infra/operations/projector.ts";
import { type Deployment, replayLog } from "../../infra/operations/replay.ts";
import { putEvents, runOf } from "../fixtures/announcing.ts";
import { startCommand } from "../fixtures/commands.ts";
import { NEVER } from "../fixtures/cut.ts";
import { openTestStack, type TestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

const VIDEOS = 5;

/** A function of another consumer. */
const FEED = "my-projector-feed";

const ANY = { accessKeyId: "test", secretAccessKey: "test" };
const EVERYTHING = () => ({ from: new Date(0), to: new Date(Date.now() + 1_000) });

const deploymentOf = ({ stack, events, documents }: TestStack): Deployment => ({
  events,
  documents,
  bus: stack.names.bus,
  archive: stack.names.archive,
  table: stack.names.videos,
  projectorArn: functionArn(stack.region, "projector"),
  settledMs: 1_000,
  archivingMs: 0,
});

async function stackWithVideos(options: Parameters<typeof openTestStack>[0] = {}) {
  const test = await openTestStack(options);
  await putEvents(test, Array.from({ length: VIDEOS }, (_, video) => runOf(video, 3)).flat());
  return { test, deployment: deploymentOf(test), before: await test.allDocuments() };
}

async function dropDocuments({ documents, stack, allDocuments }: TestStack): Promise<void> {
  for (const { VideoId } of await allDocuments())
    await documents.send(new DeleteCommand({ TableName: stack.names.videos, Key: { VideoId } }));
}

describe("replaying the log", () => {
  it("rebuilds dropped documents as they were, to the byte, for the projector alone", async () => {
    const feed: unknown[] = [];
    const interceptDelivery: InterceptDelivery = async ({ target, event, requestId }, deliver) => {
      if (target === FEED) feed.push(event);
      else await deliver(requestId);
    };
    const { test, deployment, before } = await stackWithVideos({ interceptDelivery });
    expect(before).toHaveLength(VIDEOS * 4);
    await dropDocuments(test);
    expect(await test.allDocuments()).toEqual([]);

    // Consumers of others, which have received all of it when it was new.
    const { bus } = test.stack.names;
    await test.events.send(
      new PutRuleCommand({ Name: "other-consumer", EventBusName: bus, EventPattern: '{"source":[{"prefix":""}]}' }),
    );
    const defaultBus = `arn:aws:events:${test.stack.region}:000000000000:event-bus/default`;
    const Targets = [
      { Id: "bus", Arn: defaultBus },
      { Id: "feed", Arn: functionArn(test.stack.region, FEED) },
    ];
    await test.events.send(new PutTargetsCommand({ Rule: "other-consumer", EventBusName: bus, Targets }));

    const states: string[] = [];
    const outcome = await replayLog(deployment, EVERYTHING(), ({ state }) => states.push(state), NEVER);
    expect(outcome).toMatchObject({ before: 0, after: VIDEOS * 4, added: VIDEOS * 4, changed: 0, gone: 0 });
    expect(states.at(-1)).toBe("COMPLETED");
    expect(JSON.stringify(await test.allDocuments())).toBe(JSON.stringify(before));
    expect(await test.busEvents("default")).toEqual([]);
    expect(feed).toEqual([]);
  });

  it("changes nothing in documents that are there, and waits until the archive has its newest events", {
    tags: "full",
  }, async () => {
    const { test, deployment, before } = await stackWithVideos();
    const span = { from: new Date(0), to: new Date() };
    const archivingMs = 1_500;
    const progress: string[] = [];
    const onProgress = ({ state }: { state: string }) => progress.push(state);
    const outcome = await replayLog({ ...deployment, archivingMs }, span, onProgress, NEVER);
    expect(outcome).toMatchObject({ before: VIDEOS * 4, added: 0, changed: 0, gone: 0 });
    expect(await test.allDocuments()).toEqual(before);
    expect(Date.now()).toBeGreaterThanOrEqual(span.to.getTime() + archivingMs);
    expect(progress[0]).toMatch(/^WAITING \d s FOR THE ARCHIVE$/);
  });

  it("rebuilds them in another table, once the settings name it", { tags: "full" }, async () => {
    const directory = await temporaryFolder();
    const old = await openTestStack({ directory });
    await putEvents(old, Array.from({ length: VIDEOS }, (_, video) => runOf(video, 3)).flat());
    const before = await old.allDocuments();
    await old.stack.close();

    const renewed = await openTestStack({ directory, values: { "dynamodb.table_id": "rebuilt" } });
    expect(await renewed.allDocuments()).toEqual([]);
    const outcome = await replayLog(deploymentOf(renewed), EVERYTHING(), () => {}, NEVER);
    expect(outcome).toMatchObject({ before: 0, added: VIDEOS * 4 });
    expect(JSON.stringify(await renewed.allDocuments())).toBe(JSON.stringify(before));
  });

  it("says so where no rule leads to a projector", { tags: "full" }, async () => {
    const { deployment } = await stackWithVideos();
    await expect(replayLog({ ...deployment, bus: "default" }, EVERYTHING(), () => {}, NEVER)).rejects.toThrow(
      ProjectorNotFoundError,
    );
  });
});

describe("npx video-split replay", () => {
  it("creates a dropped table again, with the same documents", async () => {
    const { test, before } = await stackWithVideos();
    const tables = new DynamoDBClient({ endpoint: test.stack.endpoint, region: test.stack.region, credentials: ANY });
    onTestFinished(() => tables.destroy());
    await tables.send(new DeleteTableCommand({ TableName: test.stack.names.videos }));
    const { port } = new URL(test.stack.endpoint);
    const { code, stdout, stderr } = await (await startCommand("replay", ["--port", port])).ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining(`: ${VIDEOS * 4} documents (before: 0)`)]);
    expect(stderr).toContain("completed");
    expect(JSON.stringify(await test.allDocuments())).toBe(JSON.stringify(before));
  });

  it.each([
    [["--from", "yesterday"], '--from is "yesterday"; it must be a time such as'],
    [["--stage", "x", "--local"], "--stage is for a deployed stage"],
    [["--table", "x"], "See npx video-split replay --help"],
    [["--port", "1"], "No server responds at http://127.0.0.1:1"],
  ])("answers %j in one line", { tags: "full" }, async (args, answer) => {
    const { code, stderr } = await (await startCommand("replay", args)).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining(answer)]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
