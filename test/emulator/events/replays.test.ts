import {
  CancelReplayCommand,
  CreateArchiveCommand,
  DescribeArchiveCommand,
  DescribeReplayCommand,
  ListReplaysCommand,
  type ListReplaysCommandInput,
  StartReplayCommand,
  type StartReplayCommandInput,
} from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import type { BusEvent, EventBridgeOptions } from "../../../infra/emulator/events/index.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { all, archiveArn, busArn, busEvent, OTHER_FUNCTION, openBridge, ruleArn, target } from "./bridge.ts";

const archives = [{ name: "log", bus: "video", retentionDays: 0 }];
const rules = [
  { name: "a", bus: "video", pattern: { source: ["test"] }, targets: [target("one")] },
  { name: "b", bus: "video", pattern: { source: ["test"] }, targets: [target("two", { arn: OTHER_FUNCTION })] },
];

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const eventAt = (second: number): BusEvent =>
  busEvent({ second }, { time: at(second).toISOString().replace(".000Z", "Z") });

const replay = (more: Partial<StartReplayCommandInput> = {}): StartReplayCommand =>
  new StartReplayCommand({
    ReplayName: "again",
    EventSourceArn: archiveArn("log"),
    EventStartTime: at(0),
    EventEndTime: at(59),
    Destination: { Arn: busArn("video") },
    ...more,
  });

/** A bridge whose archive holds events of the seconds 1 to 5, all delivered. */
async function openWithHistory(options: Partial<EventBridgeOptions> = {}) {
  const opened = await openBridge({ archives, rules, ...options });
  await opened.bridge.put("video", [1, 2, 3, 4, 5].map(eventAt));
  await opened.bridge.idle();
  opened.received.length = 0;
  return opened;
}

const secondsOf = (events: { detail: unknown }[]) => events.map(({ detail }) => (detail as { second: number }).second);

describe("a replay", () => {
  it("given a range of time, then its events are delivered again from start up to end, with the replay's name", async () => {
    const { client, bridge, received } = await openWithHistory();
    const started = await client.send(replay({ EventStartTime: at(2), EventEndTime: at(4) }));
    expect(started).toMatchObject({ State: "STARTING", ReplayStartTime: expect.any(Date) });
    await bridge.idle();
    const ofRuleA = received.filter(({ delivery }) => delivery.rule === "a").map(({ event }) => event);
    expect(secondsOf(ofRuleA)).toEqual([2, 3]);
    expect(ofRuleA.map((event) => event["replay-name"])).toEqual(["again", "again"]);
    expect(received).toHaveLength(4);
  });

  it("given a start within a second, then events of that second are before it", async () => {
    const { client, bridge, received } = await openWithHistory();
    await client.send(replay({ EventStartTime: new Date(at(4).getTime() + 1) }));
    await bridge.idle();
    expect(new Set(secondsOf(received.map(({ event }) => event)))).toEqual(new Set([5]));
  });

  it("given some rules, then only their targets receive the events", async () => {
    const { client, bridge, received } = await openWithHistory();
    await client.send(replay({ Destination: { Arn: busArn("video"), FilterArns: [ruleArn("video/b")] } }));
    await bridge.idle();
    expect(new Set(received.map(({ delivery }) => delivery.rule))).toEqual(new Set(["b"]));
    expect(received).toHaveLength(5);
  });

  it("given a replay, then its events are neither in the log nor in the archive again, but listeners are called", async () => {
    const { client, bridge } = await openWithHistory();
    const seen: (string | undefined)[] = [];
    bridge.onEvent((_, event) => seen.push(event["replay-name"]));
    await client.send(replay());
    await bridge.idle();
    expect(secondsOf(await all(bridge.log("video")))).toEqual([1, 2, 3, 4, 5]);
    expect(await client.send(new DescribeArchiveCommand({ ArchiveName: "log" }))).toMatchObject({ EventCount: 5 });
    expect(seen).toEqual(Array(5).fill("again"));
  });

  it("given an archive with a pattern, then only what it holds is replayed", async () => {
    const { client, bridge, received } = await openBridge({ rules: rules.slice(0, 1) });
    await client.send(
      new CreateArchiveCommand({
        ArchiveName: "log",
        EventSourceArn: busArn("video"),
        EventPattern: '{"detail":{"second":[2,4]}}',
      }),
    );
    await bridge.put("video", [1, 2, 3, 4].map(eventAt));
    await bridge.idle();
    received.length = 0;
    await client.send(replay());
    await bridge.idle();
    expect(secondsOf(received.map(({ event }) => event))).toEqual([2, 4]);
  });

  it("given a replay that is over, then it is described with its times", async () => {
    const { client, bridge } = await openWithHistory();
    await client.send(
      replay({ Description: "d", Destination: { Arn: busArn("video"), FilterArns: [ruleArn("video/a")] } }),
    );
    await bridge.idle();
    expect(await client.send(new DescribeReplayCommand({ ReplayName: "again" }))).toMatchObject({
      ReplayName: "again",
      Description: "d",
      State: "COMPLETED",
      EventSourceArn: archiveArn("log"),
      Destination: { Arn: busArn("video"), FilterArns: [ruleArn("video/a")] },
      EventStartTime: at(0),
      EventEndTime: at(59),
      EventLastReplayedTime: at(5),
      ReplayStartTime: expect.any(Date),
      ReplayEndTime: expect.any(Date),
    });
  });

  it("given several replays, then they are listed in pages, by prefix, by archive or by state", async () => {
    const { client, bridge } = await openWithHistory();
    for (const ReplayName of ["r2", "r1", "x"]) await client.send(replay({ ReplayName }));
    await bridge.idle();
    const names = async (input: ListReplaysCommandInput) =>
      (await client.send(new ListReplaysCommand(input))).Replays?.map(({ ReplayName }) => ReplayName);
    const first = await client.send(new ListReplaysCommand({ Limit: 2 }));
    expect(first.Replays?.map(({ ReplayName }) => ReplayName)).toEqual(["r1", "r2"]);
    expect(await names({ NextToken: first.NextToken })).toEqual(["x"]);
    expect(await names({ NamePrefix: "r" })).toEqual(["r1", "r2"]);
    expect(await names({ State: "RUNNING" })).toEqual([]);
    expect(await names({ EventSourceArn: archiveArn("log") })).toHaveLength(3);
    await expect(names({ State: "RUNNING", NamePrefix: "r" })).rejects.toMatchObject({ name: "ValidationException" });
  });

  it("given thousands of events and a stuck target, then it stops at 1,000 pending ones until it is cancelled", async () => {
    const gate = Promise.withResolvers<void>();
    let replayed = 0;
    const { client, bridge } = await openBridge({
      archives,
      rules: rules.slice(0, 1),
      deliver: (_, event) => ((event as BusEvent)["replay-name"] === undefined ? Promise.resolve() : gate.promise),
    });
    await bridge.put(
      "video",
      Array.from({ length: 3_000 }, () => eventAt(1)),
    );
    await bridge.idle();
    const full = new Promise<void>((resolve) => bridge.onEvent(() => ++replayed === 1_000 && resolve()));
    await client.send(replay());
    await full;
    expect(await client.send(new DescribeReplayCommand({ ReplayName: "again" }))).toMatchObject({ State: "RUNNING" });
    expect(await client.send(new CancelReplayCommand({ ReplayName: "again" }))).toMatchObject({ State: "CANCELLING" });
    const state = async () => (await client.send(new DescribeReplayCommand({ ReplayName: "again" }))).State;
    await expect.poll(state).toBe("CANCELLED");
    gate.resolve();
    await bridge.idle();
    expect(replayed).toBe(1_000);
  });

  it("given a fast target, then all of thousands of events are replayed", async () => {
    const { client, bridge, received } = await openBridge({ archives, rules: rules.slice(0, 1) });
    await bridge.put(
      "video",
      Array.from({ length: 2_500 }, () => eventAt(1)),
    );
    await bridge.idle();
    await client.send(replay());
    await bridge.idle();
    expect(received).toHaveLength(5_000);
  });

  it("given a replay that is over, then it can't be cancelled", async () => {
    const { client, bridge } = await openWithHistory();
    await client.send(replay());
    await bridge.idle();
    await expect(client.send(new CancelReplayCommand({ ReplayName: "again" }))).rejects.toMatchObject({
      name: "IllegalStatusException",
    });
  });

  it("given a restart, then it continues, and what was under way is delivered again with the same ids", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({
      directory,
      archives,
      rules: rules.slice(0, 1),
      deliver: (_, event) =>
        (event as BusEvent)["replay-name"] === undefined ? Promise.resolve() : new Promise(() => {}),
    });
    const late = Array.from({ length: 30 }, () => eventAt(70));
    await first.bridge.put("video", [...late, ...Array.from({ length: 2_000 }, () => eventAt(1))]);
    await first.bridge.idle();
    first.received.length = 0;
    let replayed = 0;
    const full = new Promise<void>((resolve) => first.bridge.onEvent(() => ++replayed === 1_000 && resolve()));
    await first.client.send(replay());
    await full;
    const before = first.received.map(({ delivery }) => delivery.id);
    expect(before.length).toBeGreaterThan(0);

    const second = await openBridge({ directory, archives, rules: rules.slice(0, 1) });
    let announced = 0;
    second.bridge.onEvent(() => announced++);
    await second.bridge.idle();
    const after = second.received.map(({ delivery }) => delivery.id);
    expect(new Set(after).size).toBe(after.length);
    expect(announced).toBe(1_000);
    expect(after).toEqual(expect.arrayContaining(before));
    expect(new Set(second.received.map(({ event }) => event.id)).size).toBe(2_000);
    expect(second.received.every(({ event }) => event["replay-name"] === "again")).toBe(true);
    expect(await second.client.send(new DescribeReplayCommand({ ReplayName: "again" }))).toMatchObject({
      State: "COMPLETED",
    });
  });

  it.each<[string, Partial<StartReplayCommandInput>, string, string]>([
    [
      "an unknown archive",
      { EventSourceArn: archiveArn("none") },
      "ValidationException",
      "Archive none does not exist.",
    ],
    [
      "another bus",
      { Destination: { Arn: busArn("default") } },
      "ValidationException",
      "Cross event bus replay is not permitted.",
    ],
    ["an unknown bus", { Destination: { Arn: busArn("none") } }, "ResourceNotFoundException", "does not exist"],
    ["no bus", { Destination: { Arn: archiveArn("log") } }, "ValidationException", "Must contain an event bus ARN."],
    [
      "an end before its start",
      { EventEndTime: at(0) },
      "ValidationException",
      "EventStartTime must be before EventEndTime.",
    ],
    [
      "a rule of another bus",
      { Destination: { Arn: busArn("video"), FilterArns: [ruleArn("a")] } },
      "ValidationException",
      "is not a rule of event bus video",
    ],
    ["no destination", { Destination: undefined }, "ValidationException", "Value at 'destination'"],
  ])("given %s, then StartReplay is refused", async (_, fields, name, message) => {
    const { client } = await openWithHistory();
    await expect(client.send(replay(fields))).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
    });
  });

  it("given a name that is taken, then StartReplay is refused", async () => {
    const { client, bridge } = await openWithHistory();
    await client.send(replay());
    await bridge.idle();
    await expect(client.send(replay())).rejects.toMatchObject({ name: "ResourceAlreadyExistsException" });
  });
});
