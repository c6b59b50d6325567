import { hasWildcards } from "../../../infra/emulator/events/pattern/wildcard-complexity.ts";
import type { Rule } from "../../../infra/topology.ts";
import { type Check, same } from "../check.ts";
import type { Graph } from "../graph.ts";
import type { Resource } from "../synth/contract.ts";

const RULE = "cloudwatch/eventRule:EventRule";
const TARGET = "cloudwatch/eventTarget:EventTarget";
const SCHEDULE = "scheduler/schedule:Schedule";
const PERMISSION = "lambda/permission:Permission";

/** The topology's rule in the graph, found by what it matches and where. */
const ruleIn = (graph: Graph, { pattern, bus }: Rule): Resource | undefined =>
  graph
    .all(RULE)
    .find(
      ({ inputs }) =>
        inputs.eventPattern === JSON.stringify(pattern) && inputs.eventBusName === graph.topology.buses[bus].name,
    );

const targetsOf = (graph: Graph, rule: Resource): Resource[] =>
  graph
    .all(TARGET)
    .filter(({ inputs }) => inputs.rule === rule.state.name && inputs.eventBusName === rule.inputs.eventBusName);

/** What is wrong with each rule that there is; those that are missing are another check's. */
const ofEach = (graph: Graph, faultsOf: (rule: Rule, found: Resource) => string[]): string[] =>
  graph.topology.rules.flatMap((rule) => {
    const found = ruleIn(graph, rule);
    return found === undefined ? [] : faultsOf(rule, found);
  });

/** The first of a type. */
const first = (graph: Graph, type: string) => {
  const [found] = graph.all(type);
  return (resource: Resource) => resource === found;
};

export const rules: Check[] = [
  {
    says: "each rule of the topology is there, its pattern to the deadLetter, on its bus, enabled unless a setting says otherwise",
    faults: (graph) =>
      graph.topology.rules.flatMap((rule) => {
        const found = ruleIn(graph, rule);
        if (found === undefined) return [`There is no rule ${rule.name} on the ${rule.bus} bus with its pattern`];
        const { state, description } = found.inputs;
        return same(
          `${rule.name}'s state and description`,
          [state, description],
          [rule.isEnabled ? "ENABLED" : "DISABLED", rule.description],
        );
      }),
    broken: {
      "a rule taken away": (graph) => graph.without(RULE, first(graph, RULE)),
      "another pattern": (graph) => graph.with(RULE, () => ({ eventPattern: "{}" }), first(graph, RULE)),
      "another bus": (graph) => graph.with(RULE, () => ({ eventBusName: "other" }), first(graph, RULE)),
      "all rules switched on or off": (graph) =>
        graph.with(RULE, ({ state }) => ({ state: state === "ENABLED" ? "DISABLED" : "ENABLED" })),
      "a rule switched off": (graph) => graph.with(RULE, () => ({ state: "DISABLED" }), first(graph, RULE)),
    },
  },
  {
    says: "no rule has a wildcard: EventBridge allows 30 of them on a bus, for all stages of an account together",
    faults: (graph) =>
      graph.all(RULE).flatMap(({ name, inputs }) => {
        const pattern = typeof inputs.eventPattern === "string" ? JSON.parse(inputs.eventPattern) : {};
        return hasWildcards(pattern) ? [`${name} has a wildcard`] : [];
      }),
    broken: {
      "a wildcard": (graph) =>
        graph.with(RULE, () => ({ eventPattern: '{"detail":{"object":{"key":[{"wildcard":"uploads/*.mp4"}]}}}' })),
    },
  },
  {
    says: "there is no rule that the topology doesn't have",
    faults: (graph) => same("the number of rules", graph.all(RULE).length, graph.topology.rules.length),
    broken: {
      "one more": (graph) => graph.plus(graph.all(RULE)[0] as Resource),
    },
  },
  {
    says: "each schedule invokes its function in its interval, by a role that may do that and leave its dead letters",
    faults: (graph) =>
      graph.topology.schedules.flatMap((schedule) => {
        const { name, description, everyMinutes, target, retry, deadLetters } = schedule;
        const found = graph.find(SCHEDULE, "scheduleExpression", `rate(${everyMinutes} minutes)`);
        if (found === undefined) return [`There is no schedule ${name}`];
        const { arn } = graph.lambda(target).state;
        const queue = graph.queue(deadLetters).state.arn;
        const to = found.inputs.target as Record<string, unknown>;
        const role = graph.find("iam/role:Role", "arn", to.roleArn);
        return [
          ...same(
            `${name}'s state and description`,
            [found.inputs.state, found.inputs.description],
            ["ENABLED", description],
          ),
          ...same(
            `${name}'s target`,
            [to.arn, to.deadLetterConfig, to.retryPolicy],
            [
              arn,
              { arn: queue },
              { maximumRetryAttempts: retry.attempts, maximumEventAgeInSeconds: retry.maxAgeSeconds },
            ],
          ),
          ...same(
            `${name}'s permissions`,
            (role === undefined ? [] : graph.permissionsOf(role)).map(({ Action, Resource }) => [Action, Resource]),
            [
              [["lambda:InvokeFunction"], [arn]],
              [["sqs:SendMessage"], [queue]],
            ],
          ),
        ];
      }),
    broken: {
      "another interval": (graph) => graph.with(SCHEDULE, () => ({ scheduleExpression: "rate(1 day)" })),
      "no dead letters": (graph) =>
        graph.with(SCHEDULE, ({ target }) => ({ target: { ...(target as object), deadLetterConfig: undefined } })),
      "switched off": (graph) => graph.with(SCHEDULE, () => ({ state: "DISABLED" })),
      "another role": (graph) =>
        graph.with(SCHEDULE, ({ target }) => ({ target: { ...(target as object), roleArn: "arn:other" } })),
    },
  },
  {
    says: "each rule delivers to its one function, which lets this rule invoke it",
    faults: (graph) =>
      ofEach(graph, (rule, found) => {
        const { arn } = graph.lambda(rule.target).state;
        const targets = targetsOf(graph, found).map(({ inputs }) => inputs.arn);
        const permits = graph.all(PERMISSION).filter(({ inputs }) => inputs.sourceArn === found.state.arn);
        const actual = permits.map(({ inputs }) => [inputs.action, inputs.principal, inputs.function]);
        return [
          ...same(`${rule.name}'s targets`, targets, [arn]),
          ...same(`${rule.name}'s permissions`, actual, [["lambda:InvokeFunction", "events.amazonaws.com", arn]]),
        ];
      }),
    broken: {
      "a target taken away": (graph) => graph.without(TARGET, first(graph, TARGET)),
      "another function": (graph) => graph.with(TARGET, () => ({ arn: "arn:other" }), first(graph, TARGET)),
      "a permission taken away": (graph) => graph.without(PERMISSION, first(graph, PERMISSION)),
      "a permission for any rule": (graph) =>
        graph.with(PERMISSION, () => ({ sourceArn: undefined }), first(graph, PERMISSION)),
    },
  },
  {
    says: "each target has its rule's dead-letter queue and retry policy",
    faults: (graph) =>
      ofEach(graph, (rule, found) =>
        targetsOf(graph, found).flatMap(({ inputs }) => [
          ...same(`${rule.name}'s dead letters`, inputs.deadLetterConfig, {
            arn: graph.queue(rule.deadLetters).state.arn,
          }),
          ...same(`${rule.name}'s retries`, inputs.retryPolicy, {
            maximumRetryAttempts: rule.retry.attempts,
            maximumEventAgeInSeconds: rule.retry.maxAgeSeconds,
          }),
        ]),
      ),
    broken: {
      "no dead-letter queue": (graph) => graph.with(TARGET, () => ({ deadLetterConfig: undefined })),
      "another queue": (graph) =>
        graph.with(TARGET, () => ({ deadLetterConfig: { arn: graph.queue("splitFailures").state.arn } })),
      "no retry policy": (graph) => graph.with(TARGET, () => ({ retryPolicy: undefined }), first(graph, TARGET)),
    },
  },
];
