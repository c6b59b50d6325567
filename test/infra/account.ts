import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { SQSClient } from "@aws-sdk/client-sqs";
import { onTestFinished } from "vitest";
import { openEventBridge } from "../../infra/emulator/events/index.ts";
import { listen, type Service } from "../../infra/emulator/front.ts";
import { openSqs } from "../../infra/emulator/sqs/index.ts";
import { resourceTags, type TaggedResource } from "../../infra/local/resource-tags.ts";
import { CREDENTIALS } from "../fixtures/http.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";
import type { Graph } from "./graph.ts";
import { ACCOUNT } from "./synth/cloud.ts";
import type { Resource } from "./synth/contract.ts";

const REGION = "us-east-1";
const RETRY = { attempts: 0, maxAgeSeconds: 60 };

export const functionArn = (name: string): string => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;

const tagged = ({ state, inputs }: Resource): TaggedResource => ({
  arn: String(state.arn),
  tags: (inputs.tags ?? {}) as Record<string, string>,
});

/** The rules of a stage's video bus with their targets, and one that leads to another service's function. */
function rulesOf(graph: Graph, foreignArn: string) {
  const bus = graph.topology.buses.video.name;
  const targets = (rule: unknown) =>
    graph
      .all("cloudwatch/eventTarget:EventTarget")
      .filter(({ inputs }) => inputs.rule === rule)
      .map(({ inputs }) => ({ id: "1", arn: String(inputs.arn), retry: RETRY }));
  const own = graph
    .all("cloudwatch/eventRule:EventRule")
    .filter(({ inputs }) => inputs.eventBusName === bus)
    .map(({ state, inputs }) => ({
      ...{ name: String(state.name), description: "", bus, pattern: JSON.parse(String(inputs.eventPattern)) },
      targets: targets(state.name),
    }));
  const foreign = { name: "feed", description: "", bus, pattern: { source: ["video-split"] } };
  return [...own, { ...foreign, targets: [{ id: "1", arn: foreignArn, retry: RETRY }] }];
}

/**
 * An AWS account, as far as operations look at it, in which these stages are deployed side by side under the physical
 * names of their graphs, together with a function of another service. Functions answer that they've split a video.
 */
export async function openAccount(graphs: readonly Graph[], foreign: TaggedResource) {
  const functions = graphs.flatMap((graph) => graph.all("lambda/function:Function"));
  const queues = graphs.flatMap((graph) => graph.all("sqs/queue:Queue"));
  const sqs = await openSqs({
    ...{ directory: await temporaryFolder(), region: REGION },
    queues: queues.map(({ state }) => ({ name: String(state.name), retentionDays: 14 })),
  });
  onTestFinished(() => sqs.close());
  const events = await openEventBridge({
    ...{ directory: await temporaryFolder(), region: REGION, account: ACCOUNT, archives: [] },
    buses: graphs.map(({ topology }) => topology.buses.video.name),
    rules: graphs.flatMap((graph) => rulesOf(graph, foreign.arn)),
    deliver: async () => {},
    sendDeadLetter: async () => {},
  });
  onTestFinished(() => events.close());
  const invoked: string[] = [];
  const lambda: Service = {
    handle: (request, response) => {
      invoked.push(decodeURIComponent(request.url?.split("/")[3] ?? ""));
      request.resume().once("end", () => response.end(JSON.stringify({ outcome: "split" })));
    },
  };
  const none: Service = { handle: (_request, response) => void response.writeHead(501).end() };
  const tags = resourceTags([...[...functions, ...queues].map(tagged), foreign]);
  const front = await listen(0, () => ({
    tags,
    sqs,
    events,
    lambda,
    s3: { ...none, allowsPage: () => false },
    dynamodb: none,
  }));
  onTestFinished(front.close);
  const config = { endpoint: front.endpoint, region: REGION, credentials: CREDENTIALS };
  const clients = {
    tagging: new ResourceGroupsTaggingAPIClient(config),
    sqs: new SQSClient(config),
    lambda: new LambdaClient(config),
    events: new EventBridgeClient(config),
  };
  onTestFinished(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  /** Leaves a dead letter of EventBridge's in a queue. */
  const leave = (queue: string, targetArn: string) =>
    sqs.send(queue, { body: "{}", attributes: { RULE_ARN: "arn:aws:events:x:1:rule/r", TARGET_ARN: targetArn } });
  return { ...clients, leave, invoked, messagesIn: (queue: string) => sqs.messages(queue).length };
}
