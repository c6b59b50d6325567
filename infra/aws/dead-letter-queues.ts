import type { QueueId, Topology } from "../topology.ts";
import { tagsOf } from "./deployed-names.ts";
import { logicalName } from "./names.ts";
import { functionOfQueue } from "./queues.ts";

const SECONDS_PER_DAY = 86_400;

export type Queues = Record<QueueId, sst.aws.Queue>;

/** The dead-letter queues of both levels: EventBridge's deliveries and the functions' failures. */
export const createQueues = (topology: Topology<unknown>): Queues =>
  Object.fromEntries(
    (Object.entries(topology.queues) as [QueueId, { retentionDays: number }][]).map(([id, { retentionDays }]) => [
      id,
      new sst.aws.Queue(logicalName(id), {
        transform: {
          queue: {
            messageRetentionSeconds: retentionDays * SECONDS_PER_DAY,
            sqsManagedSseEnabled: true,
            tags: tagsOf($app.stage, functionOfQueue(topology, id)),
          },
        },
      }),
    ]),
  ) as Queues;

/**
 * Allows these rules, and no other rule, to send their dead letters to the queue. A queue has one
 * policy, so all rules that share it are named together.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
export function acceptDeadLetters(name: string, queue: sst.aws.Queue, ruleArns: $util.Input<string>[]): void {
  const rules =
    ruleArns.length === 0
      ? []
      : [
          {
            effect: "Allow",
            principals: [{ type: "Service", identifiers: ["events.amazonaws.com"] }],
            actions: ["sqs:SendMessage"],
            resources: [queue.arn],
            conditions: [{ test: "ArnEquals", variable: "aws:SourceArn", values: ruleArns }],
          },
        ];
  const tlsOnly = {
    effect: "Deny",
    principals: [{ type: "*", identifiers: ["*"] }],
    actions: ["sqs:*"],
    resources: [queue.arn],
    conditions: [{ test: "Bool", variable: "aws:SecureTransport", values: ["false"] }],
  };
  new aws.sqs.QueuePolicy(`${name}Policy`, {
    queueUrl: queue.url,
    policy: aws.iam.getPolicyDocumentOutput({ statements: [...rules, tlsOnly] }).json,
  });
}
