import type { QueueId } from "../../../infra/topology.ts";
import { METRICS } from "../../../services/runtime/metric-names.ts";
import { type Check, same } from "../check.ts";
import type { Graph, Statement } from "../graph.ts";

const QUEUE = "sqs/queue:Queue";
const POLICY = "sqs/queuePolicy:QueuePolicy";
const ALARM = "cloudwatch/metricAlarm:MetricAlarm";
const TARGET = "cloudwatch/eventTarget:EventTarget";

const ofEach = (graph: Graph, faultsOf: (id: QueueId) => string[]): string[] =>
  (Object.keys(graph.topology.queues) as QueueId[]).flatMap(faultsOf);

/** ARNs of the rules whose targets leave their dead letters in this queue: followed from the targets. */
const sendersTo = (graph: Graph, queueArn: unknown): unknown[] =>
  graph
    .all(TARGET)
    .filter(({ inputs }) => (inputs.deadLetterConfig as { arn?: string } | undefined)?.arn === queueArn)
    .map(({ inputs }) => graph.find("cloudwatch/eventRule:EventRule", "name", inputs.rule)?.state.arn)
    .sort();

const allowedTo = (statements: Statement[]): Statement[] => statements.filter(({ Effect }) => Effect === "Allow");

const withStatements = (change: (statements: Statement[]) => Statement[]) => (inputs: Record<string, unknown>) => {
  const policy = JSON.parse(String(inputs.policy)) as { Statement: Statement[] };
  return { policy: JSON.stringify({ ...policy, Statement: change(policy.Statement) }) };
};

export const deadLetters: Check[] = [
  {
    says: "each dead-letter queue keeps its dead letters as long as the topology says, encrypted",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const { messageRetentionSeconds, sqsManagedSseEnabled } = graph.queue(id).inputs;
        const days = graph.topology.queues[id].retentionDays;
        return same(`${id}`, [messageRetentionSeconds, sqsManagedSseEnabled], [days * 86_400, true]);
      }),
    broken: {
      "SQS's own four days": (graph) => graph.with(QUEUE, () => ({ messageRetentionSeconds: undefined })),
      "no encryption": (graph) => graph.with(QUEUE, () => ({ sqsManagedSseEnabled: undefined })),
    },
  },
  {
    says: "each queue's one policy lets in its own rules and no other sender, and only by TLS",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const { arn, url } = graph.queue(id).state;
        const policies = graph.policiesOn(POLICY, "queueUrl", url);
        const statements = policies.flat();
        const senders = sendersTo(graph, arn);
        const allowed = allowedTo(statements).map(({ Principal, Action, Resource, Condition }) => ({
          who: Principal,
          what: Action,
          where: Resource,
          from: [...(Condition?.ArnEquals?.["aws:SourceArn"] ?? [])].sort(),
        }));
        const rules = { who: { Service: ["events.amazonaws.com"] }, what: ["sqs:SendMessage"], where: [arn] };
        const denied = statements.filter(({ Effect }) => Effect === "Deny").map(({ Condition }) => Condition);
        return [
          ...same(`the number of ${id}'s policies`, policies.length, 1),
          ...same(`${id}'s senders`, allowed, senders.length > 0 ? [{ ...rules, from: senders }] : []),
          ...same(`what ${id} denies`, denied, [{ Bool: { "aws:SecureTransport": ["false"] } }]),
        ];
      }),
    broken: {
      "no policy": (graph) => graph.without(POLICY),
      "two policies": (graph) => {
        const [policy] = graph.all(POLICY);
        return policy === undefined
          ? graph
          : graph.with(POLICY, () => ({ queueUrl: policy.inputs.queueUrl, policy: policy.inputs.policy }));
      },
      "any rule": (graph) =>
        graph.with(
          POLICY,
          withStatements((all) => all.map(({ Condition: _, ...rest }) => rest)),
        ),
      "no TLS": (graph) => graph.with(POLICY, withStatements(allowedTo)),
    },
  },
  {
    says: "each queue has an alarm for its first dead letter, which notifies the topic",
    faults: (graph) =>
      ofEach(graph, (id) => {
        const topic = graph.named("sns/topic:Topic", "AlarmsTopic").state.arn;
        const alarms = graph.all(ALARM).filter(({ inputs }) => {
          const { QueueName } = (inputs.dimensions ?? {}) as { QueueName?: string };
          return QueueName === graph.queue(id).state.name;
        });
        const wired = alarms.map(({ inputs }) => [
          inputs.namespace,
          inputs.metricName,
          inputs.comparisonOperator,
          inputs.threshold,
          inputs.alarmActions,
        ]);
        const expected = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "GreaterThanThreshold", 0, [topic]];
        return same(`${id}'s alarms`, wired, [expected]);
      }),
    broken: {
      "no alarm": (graph) => graph.without(ALARM),
      "an alarm for another queue": (graph) => graph.with(ALARM, () => ({ dimensions: { QueueName: "other" } })),
      "an alarm without an action": (graph) => graph.with(ALARM, () => ({ alarmActions: [] })),
    },
  },
  {
    says: "uploads that were given up raise an alarm, by the metric that the reconciler writes",
    faults: (graph) => {
      const topic = graph.named("sns/topic:Topic", "AlarmsTopic").state.arn;
      const { POWERTOOLS_METRICS_NAMESPACE } = graph.topology.functions.reconciler.environment;
      const found = graph.find(ALARM, "metricName", METRICS.reconciler.UploadsGivenUp.name)?.inputs;
      return same(
        "the alarm",
        [found?.namespace, found?.dimensions, found?.comparisonOperator, found?.threshold, found?.alarmActions],
        [POWERTOOLS_METRICS_NAMESPACE, { service: "reconciler" }, "GreaterThanThreshold", 0, [topic]],
      );
    },
    broken: {
      "no alarm": (graph) => graph.without(ALARM),
      "another metric": (graph) => graph.with(ALARM, () => ({ metricName: "VideosSplit" })),
      "an alarm without an action": (graph) => graph.with(ALARM, () => ({ alarmActions: [] })),
    },
  },
];
