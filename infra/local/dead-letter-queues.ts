import { functionArn } from "../emulator/arns.ts";
import type { DeadLetter as GivenUpDelivery } from "../emulator/events/index.ts";
import type { FailedInvocation } from "../emulator/lambda/index.ts";
import type { LocalSqs } from "../emulator/sqs/index.ts";
import { type DeadLetter, type Message, readDeadLetter } from "../operations/dead-letter.ts";

export type DeadLetterQueues = {
  send(queue: string, message: Message): Promise<void>;
  read(queue: string): Promise<DeadLetter[]>;
};

/**
 * The message of an event that EventBridge can't deliver:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
export const ofDelivery = (deadLetter: GivenUpDelivery, ruleArn: string): Message => ({
  body: JSON.stringify(deadLetter.event),
  attributes: {
    RULE_ARN: ruleArn,
    TARGET_ARN: deadLetter.targetArn,
    ERROR_CODE: deadLetter.errorCode,
    ERROR_MESSAGE: deadLetter.errorMessage,
    RETRY_ATTEMPTS: String(Math.max(0, deadLetter.attempts - 1)),
  },
});

/**
 * The message that Lambda sends to an on-failure destination:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export const ofInvocation = (failed: FailedInvocation, region: string): Message => ({
  body: JSON.stringify({
    version: "1.0",
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: failed.requestId,
      functionArn: `${functionArn(region, failed.functionName)}:$LATEST`,
      condition: failed.condition,
      approximateInvokeCount: failed.attempts,
    },
    requestPayload: failed.event,
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    responsePayload: failed.error,
  }),
  attributes: {},
});

/** The dead-letter queues on the local SQS; `onDeadLetter` is called for each new dead letter. */
export const openDeadLetterQueues = (
  sqs: LocalSqs,
  onDeadLetter: (queue: string, deadLetter: DeadLetter) => void,
): DeadLetterQueues => ({
  send: async (queue, message) => {
    sqs.send(queue, message);
    const deadLetter = readDeadLetter(message);
    if (deadLetter !== undefined) onDeadLetter(queue, deadLetter);
  },
  read: async (queue) => sqs.messages(queue).flatMap((message) => readDeadLetter(message) ?? []),
});
