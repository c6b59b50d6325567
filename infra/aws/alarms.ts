import { type MetricName, SERVICE_DIMENSION } from "../../services/runtime/metric-names.ts";
import type { QueueId } from "../topology.ts";
import type { Queues } from "./dead-letters.ts";
import { logicalName } from "./names.ts";

/** Alarms for the first message in any dead-letter queue and for uploads that were given up, and a mail where the settings name an address. */
export function createAlarms(queues: Queues, metrics: string, email: string | null): sst.aws.SnsTopic {
  const topic = new sst.aws.SnsTopic("Alarms");
  if (email !== null) {
    new aws.sns.TopicSubscription("AlarmsMail", { topic: topic.arn, protocol: "email", endpoint: email });
  }
  for (const [id, queue] of Object.entries(queues) as [QueueId, sst.aws.Queue][]) alarmOn(id, queue, topic);
  alarmOnGivenUp(metrics, topic);
  return topic;
}

const alarmOn = (id: QueueId, queue: sst.aws.Queue, topic: sst.aws.SnsTopic): aws.cloudwatch.MetricAlarm =>
  new aws.cloudwatch.MetricAlarm(`${logicalName(id)}Alarm`, {
    alarmDescription: `There are dead letters in ${id}: an event that was given up. Look at them and redrive them; nothing is lost.`,
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: queue.nodes.queue.name },
    statistic: "Maximum",
    period: 60,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
    // A queue that nobody has used for hours reports nothing.
    treatMissingData: "notBreaching",
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  });

const GIVEN_UP: MetricName<"reconciler"> = "UploadsGivenUp";

const alarmOnGivenUp = (namespace: string, topic: sst.aws.SnsTopic): aws.cloudwatch.MetricAlarm =>
  new aws.cloudwatch.MetricAlarm("UploadsGivenUpAlarm", {
    alarmDescription:
      "Uploads came to no end, though they were asked for again and again: their documents are rejected with the reason GivenUp. Look into the dead letters and the log.",
    namespace,
    metricName: GIVEN_UP,
    dimensions: { [SERVICE_DIMENSION]: "reconciler" },
    statistic: "Sum",
    period: 900,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
    treatMissingData: "notBreaching",
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  });
