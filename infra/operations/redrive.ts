import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import pLimit from "p-limit";
import { type DeadLetter, readDeadLetter } from "./dead-letter.ts";
import type { StageResources } from "./stage-resources.ts";

/** The dead letters of one stage. */
export type DeadLetterAccess = { sqs: SQSClient; lambda: LambdaClient; resources: StageResources };

type Queue = {
  name: string;
  url: string;
  /** ARNs of the function whose dead letters it holds. */
  functionArns: readonly string[];
};

/** A dead letter that is received, and hidden from others for now. */
export type ReceivedDeadLetter = {
  id: string;
  /** Its queue's name. */
  queue: string;
  sentAt: Date;
  /** Undefined where the message is neither EventBridge's nor Lambda's. */
  content: DeadLetter | undefined;
  body: string;
};

/**
 * How a redrive ended: the event was handled and the dead letter deleted, or the dead letter stays
 * in its queue.
 */
export type Redrive = { outcome: "handled"; result: string } | { outcome: "kept"; why: string };

const MAX_MESSAGES = 10;

/**
 * A shorter poll queries only some of SQS's servers, and may be empty although there are messages.
 */
const WAIT_SECONDS = 1;

/** Dead letters that are redriven concurrently, of one queue. */
const MAX_CONCURRENT = 4;

/** Undefined where the queue was deleted: its tags are found for some time after that. */
async function openQueue(
  { sqs, resources }: DeadLetterAccess,
  { arn, id }: StageResources["queues"][number],
): Promise<Queue | undefined> {
  const [, , , , QueueOwnerAWSAccountId, QueueName = ""] = arn.split(":");
  const functionArns = resources.functions.filter((each) => each.id === id).map((each) => each.arn);
  try {
    const { QueueUrl = "" } = await sqs.send(new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId }));
    return { name: QueueName, url: QueueUrl, functionArns };
  } catch (error) {
    if ((error as Error).name === "QueueDoesNotExist") return undefined;
    throw error;
  }
}

async function openQueues(access: DeadLetterAccess): Promise<Queue[]> {
  const opened = await Promise.all(access.resources.queues.map((queue) => openQueue(access, queue)));
  return opened.filter((queue) => queue !== undefined);
}

function receivedDeadLetter(queue: Queue, { MessageId = "", Body = "", ...message }: Message): ReceivedDeadLetter {
  const attributes = Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, { StringValue = "" }]) => [name, StringValue]),
  );
  const sentAt = new Date(Number(message.Attributes?.SentTimestamp));
  return {
    id: MessageId,
    queue: queue.name,
    sentAt,
    content: readDeadLetter({ body: Body, attributes }),
    body: Body,
  };
}

/**
 * Makes messages visible to others again. One that can't be becomes visible when its time has
 * passed.
 */
async function release(sqs: SQSClient, QueueUrl: string, receipts: readonly string[]): Promise<void> {
  for (let at = 0; at < receipts.length; at += MAX_MESSAGES) {
    const Entries = receipts
      .slice(at, at + MAX_MESSAGES)
      .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
  }
}

/** Resolves with whether the dead letter may be deleted. */
type Handle = (deadLetter: ReceivedDeadLetter, queue: Queue) => Promise<boolean>;

type Pass = { visibilitySeconds: number; handle: Handle; signal: AbortSignal };

/** Receives every dead letter once, and releases those that aren't deleted. */
async function receiveAll(access: DeadLetterAccess, pass: Pass): Promise<void> {
  const queues = await openQueues(access);
  const ends = await Promise.allSettled(queues.map((queue) => receiveFrom(access.sqs, queue, pass)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function receiveFrom(sqs: SQSClient, queue: Queue, { visibilitySeconds, handle, signal }: Pass): Promise<void> {
  const QueueUrl = queue.url;
  const kept: string[] = [];
  const seen = new Set<string>();
  const limit = pLimit(MAX_CONCURRENT);
  const take = async (message: Message): Promise<void> => {
    const { ReceiptHandle = "" } = message;
    const isNew = !seen.has(message.MessageId ?? "");
    seen.add(message.MessageId ?? "");
    kept.push(ReceiptHandle);
    if (!isNew || signal.aborted || !(await handle(receivedDeadLetter(queue, message), queue))) return;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    kept.splice(kept.indexOf(ReceiptHandle), 1);
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      const before = seen.size;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: MAX_MESSAGES,
          VisibilityTimeout: visibilitySeconds,
          WaitTimeSeconds: WAIT_SECONDS,
          MessageAttributeNames: ["All"],
          MessageSystemAttributeNames: ["SentTimestamp"],
        }),
        { abortSignal: signal },
      );
      const ends = await Promise.allSettled(Messages.map((message) => limit(() => take(message))));
      for (const end of ends) if (end.status === "rejected") throw end.reason;
      // Only dead letters that were received before: they became visible again, and this would
      // never end.
      if (seen.size === before) return;
    }
  } finally {
    await release(sqs, QueueUrl, kept);
  }
}

/** Long enough to read many dead letters; they're released sooner. Seconds. */
const LIST_SECONDS = 120;

/**
 * Calls `onDeadLetter` for every dead letter of the stage. SQS can't be read without receiving:
 * each is hidden for a moment.
 */
export async function eachDeadLetter(
  access: DeadLetterAccess,
  onDeadLetter: (deadLetter: ReceivedDeadLetter) => void,
  signal: AbortSignal,
): Promise<void> {
  const handle: Handle = async (deadLetter) => {
    onDeadLetter(deadLetter);
    return false;
  };
  await receiveAll(access, { visibilitySeconds: LIST_SECONDS, handle, signal });
}

/**
 * The split function's result when another invocation works on the upload. See
 * services/split/split-video.ts.
 */
const DONE_ELSEWHERE = "done elsewhere";

const BUSY =
  "another delivery of this upload is in progress, or was interrupted less than a function's timeout ago: try again later";

/** An ARN without its version or alias, such as ":$LATEST". */
const withoutQualifier = (functionArn: string): string => functionArn.split(":").slice(0, 7).join(":");

/**
 * Invokes the function with the event and waits for the result: only then is it known whether the
 * dead letter can be deleted. No other consumer receives the event, and the function doesn't repeat
 * what is done.
 */
async function redrive(
  lambda: LambdaClient,
  { functionArns }: Queue,
  { content }: ReceivedDeadLetter,
): Promise<Redrive> {
  if (content === undefined) return { outcome: "kept", why: "it isn't a dead letter of EventBridge or Lambda" };
  if (content.functionArn === undefined) return { outcome: "kept", why: "it doesn't say which function it was for" };
  // Only the queue's own function is invoked, whatever the message names.
  if (!functionArns.includes(withoutQualifier(content.functionArn)))
    return {
      outcome: "kept",
      why: `it is for ${content.functionArn}, which isn't the function of this stage and queue`,
    };
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({
      FunctionName: content.functionArn,
      InvocationType: "RequestResponse",
      Payload: JSON.stringify(content.event),
    }),
  );
  const answer = JSON.parse(Payload?.transformToString() || "null");
  if (FunctionError !== undefined)
    return { outcome: "kept", why: `it failed again: ${answer?.errorType}: ${answer?.errorMessage}` };
  if (answer?.outcome === DONE_ELSEWHERE) return { outcome: "kept", why: BUSY };
  return { outcome: "handled", result: [answer?.outcome, answer?.reason ?? answer?.why].filter(Boolean).join(": ") };
}

/** Longer than a function may run. Seconds. */
const REDRIVE_SECONDS = 960;

/**
 * Redrives the dead letters that `isWanted` chooses. A dead letter is deleted once its function has
 * handled the event, so this may be interrupted and repeated.
 */
export async function redriveDeadLetters(
  access: DeadLetterAccess,
  isWanted: (deadLetter: ReceivedDeadLetter) => boolean,
  onRedrive: (deadLetter: ReceivedDeadLetter, redrive: Redrive) => void,
  signal: AbortSignal,
): Promise<void> {
  const handle: Handle = async (deadLetter, queue) => {
    if (!isWanted(deadLetter)) return false;
    const redriven = await redrive(access.lambda, queue, deadLetter).catch(
      (error: unknown): Redrive => ({ outcome: "kept", why: error instanceof Error ? error.message : String(error) }),
    );
    onRedrive(deadLetter, redriven);
    return redriven.outcome === "handled";
  };
  await receiveAll(access, { visibilitySeconds: REDRIVE_SECONDS, handle, signal });
}
