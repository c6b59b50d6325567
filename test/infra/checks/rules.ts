import { logicalName } from "../../../infra/aws/names.ts";
import { hasWildcards } from "../../../infra/local/events/pattern/wildcard-complexity.ts";
import type { Rule } from "../../../infra/topology.ts";
import { type Check, same } from "../check.ts";
import type { Graph } from "../graph.ts";
import type { Resource } from "../synth/contract.ts";

const RULE = "cloudwatch/eventRule:EventRule";
const TARGET = "cloudwatch/eventTarget:EventTarget";
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

/** The first that isn't a schedule's: those are another check's. */
const first = (graph: Graph, type: string) => {
  const schedules = graph.topology.schedules.map(({ name }) => logicalName(name));
  const found = graph.all(type).find(({ name }) => !schedules.some((schedule) => name.startsWith(schedule)));
  return (resource: Resource) => resource === found;
};

export const rules: Check[] = [
  {
    says: "each rule of the topology is there, its pattern to the letter, on its bus, enabled",
    faults: (graph) =>
      graph.topology.rules.flatMap((rule) => {
        const found = ruleIn(graph, rule);
        if (found === undefined) return [`There is no rule ${rule.name} on the ${rule.bus} bus with its pattern`];
        const { state, description } = found.inputs;
        return same(`${rule.name}'s state and description`, [state, description], ["ENABLED", rule.description]);
      }),
    broken: {
      "a rule taken away": (graph) => graph.without(RULE, first(graph, RULE)),
      "another pattern": (graph) => graph.with(RULE, () => ({ eventPattern: "{}" }), first(graph, RULE)),
      "another bus": (graph) => graph.with(RULE, () => ({ eventBusName: "other" }), first(graph, RULE)),
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
    faults: (graph) =>
      same(
        "the number of rules",
        graph.all(RULE).length,
        graph.topology.rules.length + graph.topology.schedules.length,
      ),
    broken: {
      "one more": (graph) => graph.plus(graph.all(RULE)[0] as Resource),
    },
  },
  {
    says: "each schedule is a rule that invokes its function in its interval, by EventBridge's own event",
    faults: (graph) =>
      graph.topology.schedules.flatMap((schedule) => {
        const { name, description, everyMinutes, target, retry, deadLetters } = schedule;
        const found = graph.find(RULE, "scheduleExpression", `rate(${everyMinutes} minutes)`);
        if (found === undefined) return [`There is no rule for the schedule ${name}`];
        const { arn } = graph.lambda(target).state;
        const targets = graph.all(TARGET).filter(({ inputs }) => inputs.rule === found.state.name);
        const permits = graph.all(PERMISSION).filter(({ inputs }) => inputs.sourceArn === found.state.arn);
        return [
          ...same(
            `${name}'s state and description`,
            [found.inputs.state, found.inputs.description],
            ["ENABLED", description],
          ),
          ...same(
            `${name}'s targets`,
            targets.map(({ inputs }) => [inputs.arn, inputs.input, inputs.deadLetterConfig, inputs.retryPolicy]),
            [
              [
                arn,
                undefined,
                { arn: graph.queue(deadLetters).state.arn },
                { maximumRetryAttempts: retry.attempts, maximumEventAgeInSeconds: retry.maxAgeSeconds },
              ],
            ],
          ),
          ...same(
            `${name}'s permissions`,
            permits.map(({ inputs }) => inputs.function),
            [arn],
          ),
        ];
      }),
    broken: {
      "another interval": (graph) => graph.with(RULE, () => ({ scheduleExpression: "rate(1 day)" })),
      "SST's empty event": (graph) => graph.with(TARGET, () => ({ input: "{}" })),
      "no dead letters": (graph) => graph.with(TARGET, () => ({ deadLetterConfig: undefined })),
      "no permission": (graph) => graph.without(PERMISSION),
    },
  },
  {
    says: "each rule delivers to its one function, which lets this rule invoke it",
    faults: (graph) =>
      ofEach(graph, (rule, found) => {
        const { arn } = graph.lambda(rule.target).state;
        const targets = targetsOf(graph, found).map(({ inputs }) => inputs.arn);
        const permits = graph.all(PERMISSION).filter(({ inputs }) => inputs.sourceArn === found.state.arn);
        const asked = permits.map(({ inputs }) => [inputs.action, inputs.principal, inputs.function]);
        return [
          ...same(`${rule.name}'s targets`, targets, [arn]),
          ...same(`${rule.name}'s permissions`, asked, [["lambda:InvokeFunction", "events.amazonaws.com", arn]]),
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
