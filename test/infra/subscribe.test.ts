import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { compilePattern } from "../../infra/emulator/events/pattern/index.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { Graph } from "./graph.ts";

const graph = new Graph(inject("consumer"), {});

const ruleOf = (name: string) =>
  graph.all("cloudwatch/eventRule:EventRule").find(({ name: logical }) => logical.includes(name));

const targetOf = (name: string) =>
  graph.find("cloudwatch/eventTarget:EventTarget", "rule", ruleOf(name)?.state.name)?.inputs;

const exampleOf = async (type: string) =>
  JSON.parse(await readFile(join(PROJECT_ROOT, `events-schema/examples/${type}.json`), "utf8"));

describe("given another app that subscribes to SegmentCreated in one line", () => {
  it("then its rule is on the video bus and matches that event alone", async () => {
    expect(ruleOf("Thumbnails")?.inputs.eventBusName).toBe("video-split-production");
    const matches = compilePattern(JSON.parse(String(ruleOf("Thumbnails")?.inputs.eventPattern)));
    expect(matches(await exampleOf("SegmentCreated"))).toBe(true);
    expect(matches(await exampleOf("VideoSplit"))).toBe(false);
  });

  it("then what can't be delivered, and what the function fails on, ends in its dead-letter queue", () => {
    const queue = graph.named("sqs/queue:Queue", "ThumbnailsDeadLettersQueue").state;
    const lambda = graph.find("lambda/function:Function", "arn", targetOf("Thumbnails")?.arn);
    expect(targetOf("Thumbnails")).toMatchObject({
      deadLetterConfig: { arn: queue.arn },
      retryPolicy: { maximumRetryAttempts: 185, maximumEventAgeInSeconds: 86_400 },
    });
    const invocation = graph.find(
      "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
      "functionName",
      lambda?.state.name,
    );
    expect(invocation?.inputs).toMatchObject({
      maximumRetryAttempts: 2,
      destinationConfig: { onFailure: { destination: queue.arn } },
    });
    const role = lambda && graph.roleOf(lambda);
    expect(role && graph.permissionsOf(role)).toEqual([
      { Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [queue.arn] },
    ]);
    const [policy] = graph.policiesOn("sqs/queuePolicy:QueuePolicy", "queueUrl", queue.url);
    expect(policy?.find(({ Effect }) => Effect === "Allow")?.Condition).toEqual({
      ArnEquals: { "aws:SourceArn": [ruleOf("Thumbnails")?.state.arn] },
    });
  });
});

describe("given a subscription in the app that has the bus", () => {
  it("then its rule is on that bus, which needn't be there before", () => {
    expect(ruleOf("Posters")?.inputs.eventBusName).toBe("video-split-own");
    expect(targetOf("Posters")).toBeDefined();
  });
});

describe("given events that are forwarded to another account", () => {
  const rule = ruleOf("Analytics");
  const target = targetOf("Analytics");
  const bus = "arn:aws:events:eu-west-1:111122223333:event-bus/videos";

  it("then a rule of that event puts them on its bus, and what can't be delivered in a queue", async () => {
    expect(rule?.inputs.eventBusName).toBe("video-split-own");
    const matches = compilePattern(JSON.parse(String(rule?.inputs.eventPattern)));
    expect([matches(await exampleOf("SegmentCreated")), matches(await exampleOf("VideoSplit"))]).toEqual([true, false]);
    const queue = graph.named("sqs/queue:Queue", "AnalyticsDeadLettersQueue").state;
    expect(target).toMatchObject({ arn: bus, deadLetterConfig: { arn: queue.arn } });
    const [policy] = graph.policiesOn("sqs/queuePolicy:QueuePolicy", "queueUrl", queue.url);
    expect(policy?.find(({ Effect }) => Effect === "Allow")?.Condition).toEqual({
      ArnEquals: { "aws:SourceArn": [rule?.state.arn] },
    });
  });

  it("then it does so by a role that this rule alone may assume, and that may do nothing else", () => {
    const role = graph.find("iam/role:Role", "arn", target?.roleArn);
    expect(role && graph.permissionsOf(role)).toEqual([
      { Effect: "Allow", Action: ["events:PutEvents"], Resource: [bus] },
    ]);
    const assuming = JSON.parse(String(role?.inputs.assumeRolePolicy)) as { Statement: object[] };
    expect(assuming.Statement).toMatchObject([
      {
        Principal: { Service: ["events.amazonaws.com"] },
        Condition: { ArnEquals: { "aws:SourceArn": [rule?.state.arn] } },
      },
    ]);
  });

  it("then the receiving bus lets that account put events of this service, and allows nothing else", () => {
    const [policy] = graph.all("cloudwatch/eventBusPolicy:EventBusPolicy");
    const { Statement: statements } = JSON.parse(String(policy?.inputs.policy)) as { Statement: object[] };
    expect(statements).toMatchObject([
      {
        Effect: "Allow",
        Action: ["events:PutEvents"],
        Principal: { AWS: ["444455556666"] },
        Condition: { StringEquals: { "events:source": ["video-split"] } },
      },
    ]);
  });
});

describe("given a subscription to two events and some values of a field", () => {
  it("then both events match with those values, and with no other", async () => {
    const matches = compilePattern(JSON.parse(String(ruleOf("Report")?.inputs.eventPattern)));
    const split = await exampleOf("VideoSplit");
    expect(matches(split)).toBe(true);
    const other = { ...split, detail: { ...split.detail, data: { ...split.detail.data, extension: "avi" } } };
    expect(matches(other)).toBe(false);
    expect(matches(await exampleOf("SegmentCreated"))).toBe(false);
  });

  it("then the function keeps the arguments that it was given", () => {
    const lambda = graph.find("lambda/function:Function", "arn", targetOf("Report")?.arn);
    expect(lambda?.inputs.memorySize).toBe(128);
  });
});
