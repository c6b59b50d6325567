import {
  DescribeArchiveCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
} from "@aws-sdk/client-eventbridge";
import { expect, it } from "vitest";
import { openTestStack } from "../fixtures/stack.ts";
import type { Graph } from "./graph.ts";
import type { Resource } from "./synth/contract.ts";
import { graphOf } from "./synthesised.ts";

/** A rule, from either source. */
type Wiring = {
  bus: string;
  pattern: unknown;
  description: string;
  state: string;
  targets: { function: string; deadLetters: string; attempts: number; maxAge: number }[];
};

const byPattern = (left: Wiring, right: Wiring): number =>
  JSON.stringify(left.pattern) < JSON.stringify(right.pattern) ? -1 : 1;

/** Reads from the local EventBridge with the SDK. */
async function localWiring(events: EventBridgeClient, bus: string): Promise<Wiring[]> {
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName: bus }));
  return Promise.all(
    Rules.map(async ({ Name, EventPattern = "", Description = "", State = "" }) => {
      const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule: Name, EventBusName: bus }));
      return {
        bus,
        pattern: JSON.parse(EventPattern),
        description: Description,
        state: State,
        targets: Targets.map(({ Arn = "", DeadLetterConfig, RetryPolicy }) => ({
          function: Arn.split(":").at(-1) ?? "",
          deadLetters: DeadLetterConfig?.Arn?.split(":").at(-1) ?? "",
          attempts: RetryPolicy?.MaximumRetryAttempts ?? -1,
          maxAge: RetryPolicy?.MaximumEventAgeInSeconds ?? -1,
        })),
      };
    }),
  );
}

/** Follows each rule of the graph to its targets, their function and their queue. */
function graphWiring(graph: Graph): Wiring[] {
  const idOf = (type: string, arn: unknown, ids: string[], find: (id: string) => Resource): string =>
    ids.find((id) => find(id).state.arn === arn) ?? `no ${type} of ARN ${arn}`;
  const { functions, queues } = graph.topology;
  const rules = graph.all("cloudwatch/eventRule:EventRule").filter(({ inputs }) => inputs.eventPattern !== undefined);
  return rules.map(({ inputs, state }) => ({
    bus: String(inputs.eventBusName),
    pattern: JSON.parse(String(inputs.eventPattern)),
    description: String(inputs.description),
    state: String(inputs.state),
    targets: graph
      .all("cloudwatch/eventTarget:EventTarget")
      .filter((target) => target.inputs.rule === state.name)
      .map((target) => {
        const { arn } = target.inputs.deadLetterConfig as { arn: string };
        const retry = target.inputs.retryPolicy as { maximumRetryAttempts: number; maximumEventAgeInSeconds: number };
        return {
          function: idOf("function", target.inputs.arn, Object.keys(functions), (id) => graph.lambda(id)),
          deadLetters: idOf("queue", arn, Object.keys(queues), (id) => graph.queue(id)),
          attempts: retry.maximumRetryAttempts,
          maxAge: retry.maximumEventAgeInSeconds,
        };
      }),
  }));
}

it("given the same settings, then the local stack and what is deployed are wired alike", async () => {
  const graph = graphOf("existing");
  const { stack, events } = await openTestStack({ values: { "poster.enabled": true, ...graph.settings } });
  // The names that a deployment makes up, in place of the local ones.
  const named = (text: string): string => text.replaceAll(graph.topology.buses.video.name, stack.names.bus);

  const local = [...(await localWiring(events, "default")), ...(await localWiring(events, stack.names.bus))];
  const deployed = graphWiring(graph).map((wiring) => ({ ...wiring, bus: named(wiring.bus) }));
  expect(local).toHaveLength(4);
  expect(deployed.sort(byPattern)).toEqual(local.sort(byPattern));

  const limits = stack.lambda.functions.map(({ name, timeoutSeconds, memoryMB, retry, environment }) => {
    const { AWS_ENDPOINT_URL: _, ...variables } = environment;
    return { name, timeoutSeconds, memoryMB, retry, variables: Object.keys(variables).sort() };
  });
  const deployedLimits = Object.keys(graph.topology.functions).map((name) => {
    const { inputs, state } = graph.lambda(name);
    const invocation = graph.find(
      "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
      "functionName",
      state.name,
    );
    const { variables } = inputs.environment as { variables: Record<string, string> };
    return {
      name,
      timeoutSeconds: inputs.timeout,
      memoryMB: inputs.memorySize,
      retry: {
        attempts: invocation?.inputs.maximumRetryAttempts,
        maxAgeSeconds: invocation?.inputs.maximumEventAgeInSeconds,
      },
      variables: Object.keys(variables)
        .filter((variable) => !variable.startsWith("SST_"))
        .sort(),
    };
  });
  expect(deployedLimits).toEqual(limits);

  const archive = await events.send(new DescribeArchiveCommand({ ArchiveName: stack.names.archive }));
  const [deployedArchive] = graph.all("cloudwatch/eventArchive:EventArchive");
  expect(deployedArchive?.inputs.retentionDays).toBe(archive.RetentionDays);
  expect(String(deployedArchive?.inputs.eventSourceArn).split("/").at(-1)).toBe(graph.topology.buses.video.name);
  expect(archive.EventSourceArn?.split("/").at(-1)).toBe(stack.names.bus);
});
