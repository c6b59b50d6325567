import { type MetricName, SERVICE_DIMENSION } from "../../services/runtime/metric-names.ts";
import type { QueueId } from "../topology.ts";
import type { Queues } from "./dead-letter-queues.ts";
import { logicalName } from "./names.ts";

/** What is watched: a value above 0 raises the alarm. */
type Watched = Pick<
  aws.cloudwatch.MetricAlarmArgs,
  "alarmDescription" | "namespace" | "metricName" | "dimensions" | "statistic" | "period"
>;

/**
 * Alarms for the first message in any dead-letter queue and for uploads that were rejected as
 * GivenUp. If the settings name an e-mail address, it is notified after it was confirmed.
 */
export function createAlarms(stage: string, queues: Queues, metrics: string, email: string | null): sst.aws.SnsTopic {
  const topic = new sst.aws.SnsTopic("Alarms");
  if (email !== null) {
    new aws.sns.TopicSubscription("AlarmsMail", { topic: topic.arn, protocol: "email", endpoint: email });
  }
  const alarmOn = (name: string, watched: Watched) =>
    new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
      // The subject of the e-mail.
      name: `${stage}-${name}`,
      ...watched,
      evaluationPeriods: 1,
      threshold: 0,
      comparisonOperator: "GreaterThanThreshold",
      // A queue that wasn't used for hours reports no data, and a function without a metric
      // neither.
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
    });
  for (const [id, queue] of Object.entries(queues) as [QueueId, sst.aws.Queue][])
    alarmOn(logicalName(id), deadLettersIn(id, queue));
  alarmOn("UploadsGivenUp", givenUp(metrics));
  return topic;
}

const deadLettersIn = (id: QueueId, queue: sst.aws.Queue): Watched => ({
  alarmDescription: `There are dead letters in ${id}: events that could not be handled. "npx video-split dead-letters" lists and redrives them. Nothing is lost.`,
  namespace: "AWS/SQS",
  metricName: "ApproximateNumberOfMessagesVisible",
  dimensions: { QueueName: queue.nodes.queue.name },
  statistic: "Maximum",
  period: 60,
});

const GIVEN_UP: MetricName<"reconciler"> = "UploadsGivenUp";

const givenUp = (namespace: string): Watched => ({
  alarmDescription:
    "Uploads did not finish, though they were requested again: their documents are rejected with the reason GivenUp. See the dead letters and the log.",
  namespace,
  metricName: GIVEN_UP,
  dimensions: { [SERVICE_DIMENSION]: "reconciler" },
  statistic: "Sum",
  period: 900,
});
