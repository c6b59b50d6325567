import {
  ListRuleNamesByTargetCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { ACCOUNT, entry, FUNCTION, OTHER_FUNCTION, openBridge, QUEUE } from "./bridge.ts";

const EventPattern = JSON.stringify({ source: ["test"] });
const onVideo = { EventBusName: "video" };

describe("PutTargets", () => {
  it("given targets of any kind, then they are listed with all their settings", async () => {
    const { client } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", ...onVideo, EventPattern }));
    const Targets = [
      {
        Id: "fn",
        Arn: FUNCTION,
        RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: QUEUE },
      },
      { Id: "logs", Arn: `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:/aws/events/x`, InputPath: "$.detail" },
      { Id: "queue", Arn: QUEUE, SqsParameters: { MessageGroupId: "g" } },
    ];
    expect(await client.send(new PutTargetsCommand({ Rule: "r", ...onVideo, Targets }))).toMatchObject({
      FailedEntryCount: 0,
    });
    const first = await client.send(new ListTargetsByRuleCommand({ Rule: "r", ...onVideo, Limit: 2 }));
    const second = await client.send(
      new ListTargetsByRuleCommand({ Rule: "r", ...onVideo, NextToken: first.NextToken }),
    );
    expect([...(first.Targets ?? []), ...(second.Targets ?? [])]).toEqual(Targets);
  });

  it("given an existing id, then that target is replaced", async () => {
    const { client } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", EventPattern }));
    await client.send(new PutTargetsCommand({ Rule: "r", Targets: [{ Id: "t", Arn: FUNCTION }] }));
    await client.send(new PutTargetsCommand({ Rule: "r", Targets: [{ Id: "t", Arn: OTHER_FUNCTION }] }));
    expect((await client.send(new ListTargetsByRuleCommand({ Rule: "r" }))).Targets).toEqual([
      { Id: "t", Arn: OTHER_FUNCTION },
    ]);
  });

  it("given bad targets among good ones, then the good ones are put and each bad one is named", async () => {
    const { client } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", EventPattern }));
    const Arn = FUNCTION;
    const bad = [
      { Id: "a b", Arn },
      { Id: "arn", Arn: "function" },
      { Id: "both", Arn, Input: "{}", InputPath: "$" },
      { Id: "json", Arn, Input: "{a" },
    ];
    const moreBad = [
      { Id: "path", Arn, InputPath: "detail" },
      { Id: "paths", Arn, InputTransformer: { InputPathsMap: { a: "$." }, InputTemplate: "<a>" } },
      { Id: "template", Arn, InputTransformer: { InputTemplate: '"<unknown>"' } },
    ];
    const results = [
      await client.send(new PutTargetsCommand({ Rule: "r", Targets: [...bad, { Id: "good", Arn }] })),
      await client.send(new PutTargetsCommand({ Rule: "r", Targets: moreBad })),
    ];
    expect(results.map(({ FailedEntryCount }) => FailedEntryCount)).toEqual([4, 3]);
    expect(results.flatMap(({ FailedEntries = [] }) => FailedEntries.map(({ TargetId }) => TargetId))).toEqual([
      ...bad.map(({ Id }) => Id),
      ...moreBad.map(({ Id }) => Id),
    ]);
    expect((await client.send(new ListTargetsByRuleCommand({ Rule: "r" }))).Targets).toEqual([{ Id: "good", Arn }]);
  });

  it("given a sixth target, then it is refused", async () => {
    const { client } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", EventPattern }));
    const Targets = ["1", "2", "3", "4", "5"].map((Id) => ({ Id, Arn: FUNCTION }));
    await client.send(new PutTargetsCommand({ Rule: "r", Targets }));
    await expect(
      client.send(new PutTargetsCommand({ Rule: "r", Targets: [{ Id: "6", Arn: FUNCTION }] })),
    ).rejects.toMatchObject({ name: "LimitExceededException" });
    await client.send(new PutTargetsCommand({ Rule: "r", Targets }));
  });

  it("given no such rule, then it is refused", async () => {
    const { client } = await openBridge();
    await expect(
      client.send(new PutTargetsCommand({ Rule: "r", Targets: [{ Id: "t", Arn: FUNCTION }] })),
    ).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });

  it("given a target's own retry policy, then that many retries are made before the dead letter", async () => {
    const { client, bridge, received, deadLetters } = await openBridge({
      deliver: async () => {
        throw new Error("down");
      },
    });
    await client.send(new PutRuleCommand({ Name: "r", ...onVideo, EventPattern }));
    const RetryPolicy = { MaximumRetryAttempts: 1 };
    await client.send(
      new PutTargetsCommand({
        Rule: "r",
        ...onVideo,
        Targets: [{ Id: "t", Arn: FUNCTION, RetryPolicy, DeadLetterConfig: { Arn: QUEUE } }],
      }),
    );
    await client.send(new PutEventsCommand({ Entries: [entry()] }));
    await bridge.idle();
    expect(received).toHaveLength(2);
    expect(deadLetters).toHaveLength(1);
  });
});

describe("ListRuleNamesByTarget", () => {
  it("given a target of several rules, then their names come in pages", async () => {
    const { client } = await openBridge();
    for (const Name of ["c", "a", "b"]) {
      await client.send(new PutRuleCommand({ Name, EventPattern }));
      const Arn = Name === "b" ? OTHER_FUNCTION : FUNCTION;
      await client.send(new PutTargetsCommand({ Rule: Name, Targets: [{ Id: "t", Arn }] }));
    }
    const first = await client.send(new ListRuleNamesByTargetCommand({ TargetArn: FUNCTION, Limit: 1 }));
    const second = await client.send(
      new ListRuleNamesByTargetCommand({ TargetArn: FUNCTION, NextToken: first.NextToken }),
    );
    expect([first.RuleNames, second.RuleNames]).toEqual([["a"], ["c"]]);
  });
});

describe("a target's input", () => {
  const deliveredWith = async (settings: object): Promise<unknown> => {
    const { client, bridge, received } = await openBridge();
    await client.send(new PutRuleCommand({ Name: "r", ...onVideo, EventPattern }));
    const put = new PutTargetsCommand({ Rule: "r", ...onVideo, Targets: [{ Id: "t", Arn: FUNCTION, ...settings }] });
    expect(await client.send(put)).toMatchObject({ FailedEntryCount: 0 });
    await client.send(new PutEventsCommand({ Entries: [entry({ a: { b: [1, "two"] } })] }));
    await bridge.idle();
    return received[0]?.event;
  };

  it("given Input, then that is delivered", async () => {
    expect(await deliveredWith({ Input: '{"fixed":true}' })).toEqual({ fixed: true });
  });

  it("given InputPath, then that part is delivered", async () => {
    expect(await deliveredWith({ InputPath: "$.detail.a.b[1]" })).toBe("two");
  });

  it("given InputTransformer, then the filled template is delivered", async () => {
    const InputTransformer = {
      InputPathsMap: { value: "$.detail.a", type: "$.detail-type" },
      InputTemplate: '{"type": <type>, "text": "of <type>", "value": <value>, "rule": <aws.events.rule-name>}',
    };
    expect(await deliveredWith({ InputTransformer })).toEqual({
      type: "Made",
      text: "of Made",
      value: { b: [1, "two"] },
      rule: "r",
    });
  });
});
