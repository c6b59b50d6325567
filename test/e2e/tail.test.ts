import { EventBridgeClient, ListRulesCommand, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it, onTestFinished } from "vitest";
import { type EventType, exampleOf } from "#events-schema";
import { tail } from "../../infra/operations/tail.ts";
import { startCommand } from "../fixtures/commands.ts";
import { sharedTestStack } from "../fixtures/stack.ts";

const stack = sharedTestStack();

async function open() {
  const { stack: opened } = await stack();
  const config = {
    endpoint: opened.endpoint,
    region: opened.region,
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  };
  const place = { events: new EventBridgeClient(config), sqs: new SQSClient(config), bus: opened.names.bus };
  onTestFinished(() => {
    place.events.destroy();
    place.sqs.destroy();
  });
  const port = new URL(opened.endpoint).port;
  return {
    place,
    start: (...args: string[]) => startCommand("tail", ["--port", port, ...args]),
    put: async (type: EventType) => {
      const { source, detail } = exampleOf(type);
      const entry = { EventBusName: place.bus, Source: source, DetailType: type, Detail: JSON.stringify(detail) };
      await place.events.send(new PutEventsCommand({ Entries: [entry] }));
    },
    /** Names of what tails have on the bus. */
    left: async (): Promise<number[]> => {
      const prefix = `${place.bus}-tail-`;
      const { Rules = [] } = await place.events.send(
        new ListRulesCommand({ EventBusName: place.bus, NamePrefix: prefix }),
      );
      const { QueueUrls = [] } = await place.sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
      return [Rules.length, QueueUrls.length];
    },
  };
}

describe("npx video-split tail", () => {
  it("shows the events that match, and leaves nothing behind", async () => {
    const { start, put, left } = await open();
    const { child, says, ended } = await start("--pattern", '{"detail-type":["VideoSplit"]}', "--json");
    await says("Ctrl-C stops");
    expect(await left()).toEqual([1, 1]);
    await put("SplitPlanned");
    await put("VideoSplit");
    await says('"frames":2263');
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      "detail-type": "VideoSplit",
      detail: exampleOf("VideoSplit").detail,
    });
    expect(await left()).toEqual([0, 0]);
  });

  it("given a run is killed, then a run an hour later removes what it has left, and one before doesn't", async () => {
    const { place, start, left } = await open();
    const killed = await start();
    await killed.says("Ctrl-C stops");
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(await left()).toEqual([1, 1]);

    const removed: string[] = [];
    const runAt = async (minutes: number, run: string) => {
      const stopping = new AbortController();
      const options = {
        ...{ pattern: '{"source":["video-split"]}', run, onEvent: () => {}, onReady: () => stopping.abort() },
        now: () => new Date(Date.now() + minutes * 60_000),
        onRemoved: (name: string) => removed.push(name),
      };
      await tail(place, options, stopping.signal);
    };
    await runAt(50, "early");
    expect(await left()).toEqual([1, 1]);
    await runAt(61, "late");
    expect(removed).toEqual([expect.stringMatching(/^video-split-tail-[0-9a-f]{8}$/)]);
    expect(await left()).toEqual([0, 0]);
  });

  it("given a pattern that EventBridge refuses, then says so, and leaves nothing behind", async () => {
    const { start, left } = await open();
    const refused = await (await start("--pattern", '{"detail-type":"VideoSplit"}')).ended;
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/pattern/i)]);
    const broken = await (await start("--pattern", "{detail-type")).ended;
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("isn't JSON. In a shell, put it in")]);
    expect(await left()).toEqual([0, 0]);
  });
});
