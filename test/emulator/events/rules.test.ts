import {
  DeleteRuleCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  ListRulesCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { ACCOUNT, busArn, entry, FUNCTION, openBridge, ruleArn } from "./bridge.ts";

const EventPattern = JSON.stringify({ source: ["test"] });
const onVideo = { EventBusName: "video" };

describe("PutRule and DescribeRule", () => {
  it("given a rule, then it is described as it was put", async () => {
    const { client } = await openBridge();
    const { RuleArn } = await client.send(
      new PutRuleCommand({ Name: "r", ...onVideo, EventPattern, Description: "d", RoleArn: "arn:aws:iam::1:role/x" }),
    );
    expect(RuleArn).toBe(ruleArn("video/r"));
    const { $metadata: _, ...described } = await client.send(new DescribeRuleCommand({ Name: "r", ...onVideo }));
    expect(described).toEqual({
      Name: "r",
      Arn: ruleArn("video/r"),
      EventPattern,
      State: "ENABLED",
      Description: "d",
      RoleArn: "arn:aws:iam::1:role/x",
      EventBusName: "video",
      CreatedBy: ACCOUNT,
    });
  });

  it("given the default bus, then the rule's ARN doesn't name it", async () => {
    const { client } = await openBridge();
    expect((await client.send(new PutRuleCommand({ Name: "r", EventPattern }))).RuleArn).toBe(ruleArn("r"));
  });

  it("given an existing rule, then it is replaced and keeps its targets", async () => {
    const { client, bridge, received } = await openBridge();
    await client.send(
      new PutRuleCommand({ Name: "r", EventBusName: busArn("video"), EventPattern: '{"source":["x"]}' }),
    );
    await client.send(new PutTargetsCommand({ Rule: "r", ...onVideo, Targets: [{ Id: "t", Arn: FUNCTION }] }));
    await client.send(new PutRuleCommand({ Name: "r", ...onVideo, EventPattern }));
    await client.send(new PutEventsCommand({ Entries: [entry()] }));
    await bridge.idle();
    expect(received).toHaveLength(1);
  });

  it("given as many rules as a bus may have, or as many with wildcards, then one more is refused", async () => {
    const { client } = await openBridge();
    const put = (Name: string, pattern: object, bus: object = onVideo) =>
      client.send(new PutRuleCommand({ Name, ...bus, EventPattern: JSON.stringify(pattern) }));
    const wild = { detail: { key: [{ wildcard: "a*b" }] } };
    const refused = { name: "LimitExceededException" };
    for (let rule = 0; rule < 30; rule += 1) await put(`wild-${rule}`, wild);
    await expect(
      put("one-more", { detail: { key: [{ "anything-but": { wildcard: "*.txt" } }] } }),
    ).rejects.toMatchObject(refused);
    await put("wild-0", wild);
    await put("wild", wild, {});
    for (let rule = 30; rule < 300; rule += 1) await put(`rule-${rule}`, { source: ["test"] });
    await expect(put("rule-300", { source: ["test"] })).rejects.toMatchObject(refused);
  });

  it.each([
    [
      "a pattern that is none",
      { EventPattern: '{"a":[{"regex":"x"}]}' },
      "InvalidEventPatternException",
      "Event pattern is not valid. Reason: Unrecognized match type regex",
    ],
    [
      "a pattern that isn't JSON",
      { EventPattern: "{a" },
      "InvalidEventPatternException",
      "Event pattern is not valid. Reason: ",
    ],
    [
      "neither pattern nor schedule",
      {},
      "ValidationException",
      "Parameter(s) EventPattern or ScheduleExpression must be specified.",
    ],
    ["a schedule", { ScheduleExpression: "rate(1 day)" }, "ValidationException", "ScheduleExpression is not supported"],
    [
      "an unknown bus",
      { EventPattern, EventBusName: "nowhere" },
      "ResourceNotFoundException",
      "Event bus nowhere does not exist.",
    ],
    [
      "a name with a space",
      { EventPattern, Name: "a b" },
      "ValidationException",
      "Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern",
    ],
    [
      "a name of 65 characters",
      { EventPattern, Name: "x".repeat(65) },
      "ValidationException",
      "Member must have length less than or equal to 64",
    ],
    [
      "no name",
      { EventPattern, Name: undefined },
      "ValidationException",
      "Value at 'name' failed to satisfy constraint: Member must not be null",
    ],
    [
      "an unknown state",
      { EventPattern, State: "ON" as "ENABLED" },
      "ValidationException",
      "Member must satisfy enum value set: [ENABLED, DISABLED",
    ],
    [
      "a pattern of 4,097 characters",
      { EventPattern: `{"a":["${"x".repeat(4_088)}"]} ` },
      "ValidationException",
      "Value at 'eventPattern'",
    ],
  ])("given %s, then it is refused", async (_, fields, name, message) => {
    const { client } = await openBridge();
    await expect(client.send(new PutRuleCommand({ Name: "r", ...fields }))).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
    });
  });

  it("given no such rule, then DescribeRule says so", async () => {
    const { client } = await openBridge();
    await expect(client.send(new DescribeRuleCommand({ Name: "r", ...onVideo }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: "Rule r does not exist on EventBus video.",
    });
  });
});

describe("EnableRule and DisableRule", () => {
  it("given a disabled rule, then it matches nothing until it is enabled", async () => {
    const { client, bridge, received } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", ...onVideo, EventPattern }));
    await client.send(new PutTargetsCommand({ Rule: "r", ...onVideo, Targets: [{ Id: "t", Arn: FUNCTION }] }));
    await client.send(new DisableRuleCommand({ Name: "r", ...onVideo }));
    await client.send(new PutEventsCommand({ Entries: [entry({ n: 1 })] }));
    await client.send(new EnableRuleCommand({ Name: "r", ...onVideo }));
    await client.send(new PutEventsCommand({ Entries: [entry({ n: 2 })] }));
    await bridge.idle();
    expect(received.map(({ event }) => event.detail)).toEqual([{ n: 2 }]);
  });

  it("given no such rule, then it is refused", async () => {
    const { client } = await openBridge();
    await expect(client.send(new EnableRuleCommand({ Name: "r" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });
});

describe("ListRules", () => {
  it("given many rules, then they come in pages, by name and by prefix", async () => {
    const { client } = await openBridge();
    for (const Name of ["b2", "a", "b1", "b3", "c"])
      await client.send(new PutRuleCommand({ Name, ...onVideo, EventPattern }));
    const first = await client.send(new ListRulesCommand({ ...onVideo, NamePrefix: "b", Limit: 2 }));
    expect(first.Rules?.map(({ Name }) => Name)).toEqual(["b1", "b2"]);
    const second = await client.send(
      new ListRulesCommand({ ...onVideo, NamePrefix: "b", Limit: 2, NextToken: first.NextToken }),
    );
    expect(second.Rules?.map(({ Name }) => Name)).toEqual(["b3"]);
    expect(second.NextToken).toBeUndefined();
    expect((await client.send(new ListRulesCommand({}))).Rules).toEqual([]);
  });

  it("given a token that it didn't return before, then it is refused", async () => {
    const { client } = await openBridge();
    await expect(client.send(new ListRulesCommand({ NextToken: "?!" }))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});

describe("DeleteRule", () => {
  it("given targets, then it is refused until they are removed", async () => {
    const { client } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", ...onVideo, EventPattern }));
    await client.send(new PutTargetsCommand({ Rule: "r", ...onVideo, Targets: [{ Id: "t", Arn: FUNCTION }] }));
    await expect(client.send(new DeleteRuleCommand({ Name: "r", ...onVideo }))).rejects.toMatchObject({
      name: "ValidationException",
      message: "Rule can't be deleted since it has targets.",
    });
    const removed = await client.send(new RemoveTargetsCommand({ Rule: "r", ...onVideo, Ids: ["t", "u"] }));
    expect(removed).toMatchObject({
      FailedEntryCount: 1,
      FailedEntries: [{ TargetId: "u", ErrorCode: "ResourceNotFoundException" }],
    });
    await client.send(new DeleteRuleCommand({ Name: "r", ...onVideo }));
    expect((await client.send(new ListRulesCommand(onVideo))).Rules).toEqual([]);
  });

  it("given no such rule, then it is no error", async () => {
    const { client } = await openBridge();
    await client.send(new DeleteRuleCommand({ Name: "r" }));
  });
});
