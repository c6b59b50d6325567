import { readInvocationRecord } from "../../services/video/invocation-record.ts";

/** An event that could not be delivered or handled, as its dead-letter queue describes it. */
export type DeadLetter = {
  /** Where it failed: at EventBridge's delivery, or in the function. */
  level: "delivery" | "function";
  /** The rule, the schedule or the function. */
  source: string;
  /** The function that the event was for; undefined if the rule's target was deleted. */
  functionArn: string | undefined;
  errorCode: string;
  errorMessage: string;
  attempts: number;
  event: unknown;
};

/** A message as SQS returns it. */
export type Message = { body: string; attributes: Readonly<Record<string, string>> };

/** The name in `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]`. */
const functionName = (arn: string): string => arn.split(":")[6] ?? arn;

/**
 * The name in `arn:aws:events:REGION:ACCOUNT:rule/[BUS/]NAME` and
 * `arn:aws:scheduler:REGION:ACCOUNT:schedule/GROUP/NAME`.
 */
const lastName = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

/**
 * EventBridge and its Scheduler describe the delivery in attributes:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
 */
function fromDelivery(event: unknown, attributes: Message["attributes"]): DeadLetter {
  return {
    level: "delivery",
    source: lastName(senderOf(attributes) ?? "unknown rule"),
    functionArn: attributes.TARGET_ARN || undefined,
    errorCode: attributes.ERROR_CODE ?? "unknown",
    errorMessage: attributes.ERROR_MESSAGE ?? "",
    attempts: Number(attributes.RETRY_ATTEMPTS ?? 0) + 1,
    event,
  };
}

const senderOf = ({ RULE_ARN, SCHEDULE_ARN }: Message["attributes"]): string | undefined => RULE_ARN ?? SCHEDULE_ARN;

/**
 * Reads a message of a dead-letter queue. Undefined where neither EventBridge nor Lambda sent it.
 */
export function readDeadLetter({ body, attributes }: Message): DeadLetter | undefined {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (senderOf(attributes) !== undefined) return fromDelivery(content, attributes);
  const record = readInvocationRecord(content);
  if (record === undefined) return undefined;
  const { functionArn, condition, attempts, event, error } = record;
  return {
    level: "function",
    source: functionName(functionArn),
    functionArn,
    errorCode: error?.errorType ?? condition,
    errorMessage: error?.errorMessage ?? "",
    attempts,
    event,
  };
}
