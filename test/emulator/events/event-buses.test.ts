import {
  CreateArchiveCommand,
  CreateEventBusCommand,
  DeleteArchiveCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  ListEventBusesCommand,
  ListTagsForResourceCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../fixtures/temporary.ts";
import { all, busArn, entry, FUNCTION, openBridge, ruleArn } from "./bridge.ts";

const EventPattern = JSON.stringify({ source: ["test"] });

describe("event buses", () => {
  it("given a new bus, then it is described and takes events", async () => {
    const { client, bridge } = await openBridge();
    const created = await client.send(new CreateEventBusCommand({ Name: "mine", Description: "d" }));
    expect(created.EventBusArn).toBe(busArn("mine"));
    expect(await client.send(new DescribeEventBusCommand({ Name: busArn("mine") }))).toMatchObject({
      Name: "mine",
      Arn: busArn("mine"),
      Description: "d",
      CreationTime: expect.any(Date),
    });
    await client.send(new PutEventsCommand({ Entries: [entry({}, { EventBusName: "mine" })] }));
    expect(await all(bridge.log("mine"))).toHaveLength(1);
  });

  it("given no name, then the default bus is described", async () => {
    const { client } = await openBridge();
    expect(await client.send(new DescribeEventBusCommand({}))).toMatchObject({
      Name: "default",
      Arn: busArn("default"),
    });
  });

  it("given several, then they are listed in pages and by prefix", async () => {
    const { client } = await openBridge();
    for (const Name of ["m2", "m1", "m3"]) await client.send(new CreateEventBusCommand({ Name }));
    const first = await client.send(new ListEventBusesCommand({ NamePrefix: "m", Limit: 2 }));
    const second = await client.send(new ListEventBusesCommand({ NamePrefix: "m", NextToken: first.NextToken }));
    expect([first, second].map(({ EventBuses }) => EventBuses?.map(({ Name }) => Name))).toEqual([
      ["m1", "m2"],
      ["m3"],
    ]);
    const { EventBuses } = await client.send(new ListEventBusesCommand({}));
    expect(EventBuses?.map(({ Name }) => Name)).toEqual(["default", "m1", "m2", "m3", "video"]);
  });

  it.each([
    ["a name that is taken", { Name: "video" }, "ResourceAlreadyExistsException"],
    ["the default bus's name", { Name: "default" }, "ResourceAlreadyExistsException"],
    ["a slash in the name", { Name: "a/b" }, "ValidationException"],
    ["a space in the name", { Name: "a b" }, "ValidationException"],
    ["a partner's event source", { Name: "p", EventSourceName: "aws.partner/a/b" }, "ValidationException"],
  ])("given %s, then CreateEventBus is refused", async (_, input, name) => {
    const { client } = await openBridge();
    await expect(client.send(new CreateEventBusCommand(input))).rejects.toMatchObject({ name });
  });

  it.each(["..", ".", "A"])("given the name %s, then the bus has a log of its own", async (Name) => {
    const { client, bridge } = await openBridge({ buses: ["a"] });
    await client.send(new CreateEventBusCommand({ Name }));
    await client.send(new PutEventsCommand({ Entries: [entry({}, { EventBusName: Name })] }));
    expect(await all(bridge.log(Name))).toHaveLength(1);
    expect(await all(bridge.log("a"))).toHaveLength(0);
  });

  it("given rules or archives, then it is deleted only after them, and its log with it", async () => {
    const { client, bridge } = await openBridge();
    const remove = () => client.send(new DeleteEventBusCommand({ Name: "mine" }));
    await client.send(new CreateEventBusCommand({ Name: "mine" }));
    await client.send(new PutEventsCommand({ Entries: [entry({}, { EventBusName: "mine" })] }));
    await client.send(new PutRuleCommand({ Name: "r", EventBusName: "mine", EventPattern }));
    await expect(remove()).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("rules"),
    });
    await client.send(new DeleteRuleCommand({ Name: "r", EventBusName: "mine" }));
    await client.send(new CreateArchiveCommand({ ArchiveName: "a", EventSourceArn: busArn("mine") }));
    await expect(remove()).rejects.toMatchObject({ message: expect.stringContaining("archives") });
    await client.send(new DeleteArchiveCommand({ ArchiveName: "a" }));
    await remove();
    await remove();
    await expect(client.send(new DescribeEventBusCommand({ Name: "mine" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await client.send(new CreateEventBusCommand({ Name: "mine" }));
    expect(await all(bridge.log("mine"))).toEqual([]);
  });

  it("given a bus that is deleted while a delivery is under way, then nothing of it is left pending", async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const { client, bridge } = await openBridge({
      deliver: () => {
        started.resolve();
        return gate.promise;
      },
    });
    const rule = { Rule: "r", EventBusName: "mine" };
    await client.send(new CreateEventBusCommand({ Name: "mine" }));
    await client.send(new PutRuleCommand({ Name: "r", EventBusName: "mine", EventPattern }));
    await client.send(new PutTargetsCommand({ ...rule, Targets: [{ Id: "t", Arn: FUNCTION }] }));
    await client.send(new PutEventsCommand({ Entries: [entry({}, { EventBusName: "mine" })] }));
    await started.promise;
    await client.send(new RemoveTargetsCommand({ ...rule, Ids: ["t"] }));
    await client.send(new DeleteRuleCommand({ Name: "r", EventBusName: "mine" }));
    await client.send(new DeleteEventBusCommand({ Name: "mine" }));
    gate.resolve();
    await bridge.idle();
  });

  it("given a bus that is deleted while a retry waits, then the retry is dropped", async () => {
    const failed = Promise.withResolvers<void>();
    const { client, bridge, received } = await openBridge({
      retryDelayMs: () => 200,
      deliver: async () => {
        failed.resolve();
        throw new Error("down");
      },
    });
    const rule = { Rule: "r", EventBusName: "mine" };
    await client.send(new CreateEventBusCommand({ Name: "mine" }));
    await client.send(new PutRuleCommand({ Name: "r", EventBusName: "mine", EventPattern }));
    await client.send(new PutTargetsCommand({ ...rule, Targets: [{ Id: "t", Arn: FUNCTION }] }));
    await client.send(new PutEventsCommand({ Entries: [entry({}, { EventBusName: "mine" })] }));
    await failed.promise;
    await client.send(new RemoveTargetsCommand({ ...rule, Ids: ["t"] }));
    await client.send(new DeleteRuleCommand({ Name: "r", EventBusName: "mine" }));
    await client.send(new DeleteEventBusCommand({ Name: "mine" }));
    await bridge.idle();
    expect(received).toHaveLength(1);
  });

  it("given a bus named .. that is deleted, then the others' logs stay", async () => {
    const directory = await temporaryFolder();
    const first = await openBridge({ directory });
    await first.client.send(new PutEventsCommand({ Entries: [entry()] }));
    await first.client.send(new CreateEventBusCommand({ Name: ".." }));
    await first.client.send(new DeleteEventBusCommand({ Name: ".." }));
    const { bridge } = await openBridge({ directory });
    expect(await all(bridge.log("video"))).toHaveLength(1);
  });

  it("given the default bus, then it can't be deleted", async () => {
    const { client } = await openBridge();
    await expect(client.send(new DeleteEventBusCommand({ Name: "default" }))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});

describe("tags", () => {
  const tagsOf = async ({ client }: Awaited<ReturnType<typeof openBridge>>, ResourceARN: string) =>
    (await client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;

  it("given a tagged rule and bus, then their tags are listed, changed and removed", async () => {
    const opened = await openBridge();
    const { client } = opened;
    const Tags = [{ Key: "a", Value: "1" }];
    await client.send(new PutRuleCommand({ Name: "r", EventBusName: "video", EventPattern, Tags }));
    await client.send(new CreateEventBusCommand({ Name: "mine", Tags }));
    for (const ResourceARN of [ruleArn("video/r"), busArn("mine")]) {
      await client.send(
        new TagResourceCommand({
          ResourceARN,
          Tags: [
            { Key: "a", Value: "2" },
            { Key: "b", Value: "" },
          ],
        }),
      );
      expect(await tagsOf(opened, ResourceARN)).toEqual([
        { Key: "a", Value: "2" },
        { Key: "b", Value: "" },
      ]);
      await client.send(new UntagResourceCommand({ ResourceARN, TagKeys: ["a", "none"] }));
      expect(await tagsOf(opened, ResourceARN)).toEqual([{ Key: "b", Value: "" }]);
    }
  });

  it("given a rule that is put again, then its tags stay", async () => {
    const opened = await openBridge();
    const put = (Value: string) => new PutRuleCommand({ Name: "r", EventPattern, Tags: [{ Key: "a", Value }] });
    await opened.client.send(put("1"));
    await opened.client.send(put("2"));
    expect(await tagsOf(opened, ruleArn("r"))).toEqual([{ Key: "a", Value: "1" }]);
  });

  it("given no such resource, then it is refused", async () => {
    await expect(tagsOf(await openBridge(), ruleArn("r"))).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
});
