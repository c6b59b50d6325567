import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  paginateListQueues,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import pLimit from "p-limit";
import { type DeadLetter, readDeadLetter } from "../dead-letter.ts";

/** Where the dead letters of one deployment are, and the functions that they go back to. */
export type DeadLetterOffice = {
  sqs: SQSClient;
  lambda: LambdaClient;
  /** The beginning of the queues' names. */
  queuePrefix: string;
};

/** A letter while it's in this command's hands. */
export type HeldLetter = {
  id: string;
  queue: string;
  sentAt: Date;
  /** Undefined where the message is neither EventBridge's nor Lambda's. */
  letter: DeadLetter | undefined;
  body: string;
};

/** What became of a letter that was handed to its function again. */
export type Redrive =
  | { outcome: "handled"; result: string }
  /** It stays in its queue. */
  | { outcome: "kept"; why: string };

/** As SST names the topology's queues, and as they are called locally. */
const DEAD_LETTER_QUEUE = /(DeadLetters|Failures)/;

const MOST_MESSAGES = 10;

/** An empty answer to a shorter poll may only mean that not all of SQS's servers were asked. */
const WAIT_SECONDS = 1;

/** Letters that are handed over at the same time. */
const TOGETHER = 4;

async function queuesOf({ sqs, queuePrefix }: DeadLetterOffice): Promise<string[]> {
  const found: string[] = [];
  for await (const { QueueUrls = [] } of paginateListQueues({ client: sqs }, { QueueNamePrefix: queuePrefix }))
    found.push(...QueueUrls.filter((url) => DEAD_LETTER_QUEUE.test(nameOf(url))));
  return found;
}

const nameOf = (url: string): string => url.slice(url.lastIndexOf("/") + 1);

function heldLetter(
  queue: string,
  { MessageId = "", Body = "", Attributes, MessageAttributes = {} }: Message,
): HeldLetter {
  const attributes = Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { StringValue = "" }]) => [name, StringValue]),
  );
  const sentAt = new Date(Number(Attributes?.SentTimestamp));
  return {
    id: MessageId,
    queue: nameOf(queue),
    sentAt,
    letter: readDeadLetter({ body: Body, attributes }),
    body: Body,
  };
}

/** Lets others see messages again. Whatever can't be given back is seen by itself when its time has come. */
async function giveBack(sqs: SQSClient, QueueUrl: string, receipts: readonly string[]): Promise<void> {
  for (let at = 0; at < receipts.length; at += MOST_MESSAGES) {
    const Entries = receipts
      .slice(at, at + MOST_MESSAGES)
      .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
  }
}

/** True: the letter may be thrown away. */
type Handle = (letter: HeldLetter) => Promise<boolean>;

type Round = { visibilitySeconds: number; handle: Handle; signal: AbortSignal };

/** Takes every letter in hand once, and gives back those that aren't thrown away. */
async function goThroughAll(office: DeadLetterOffice, round: Round): Promise<void> {
  const ends = await Promise.allSettled((await queuesOf(office)).map((queue) => goThrough(office, queue, round)));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function goThrough(
  { sqs }: DeadLetterOffice,
  QueueUrl: string,
  { visibilitySeconds, handle, signal }: Round,
): Promise<void> {
  const kept: string[] = [];
  const seen = new Set<string>();
  const limit = pLimit(TOGETHER);
  const take = async (message: Message): Promise<void> => {
    const { ReceiptHandle = "" } = message;
    const isNew = !seen.has(message.MessageId ?? "");
    seen.add(message.MessageId ?? "");
    kept.push(ReceiptHandle);
    if (!isNew || signal.aborted || !(await handle(heldLetter(QueueUrl, message)))) return;
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
          MaxNumberOfMessages: MOST_MESSAGES,
          VisibilityTimeout: visibilitySeconds,
          WaitTimeSeconds: WAIT_SECONDS,
          MessageAttributeNames: ["All"],
          MessageSystemAttributeNames: ["SentTimestamp"],
        }),
        { abortSignal: signal },
      );
      const ends = await Promise.allSettled(Messages.map((message) => limit(() => take(message))));
      for (const end of ends) if (end.status === "rejected") throw end.reason;
      // Only those that were in hand before: their time has run out, and it would never end.
      if (seen.size === before) return;
    }
  } finally {
    await giveBack(sqs, QueueUrl, kept);
  }
}

/** Long enough to look through many letters; they're given back sooner. Seconds. */
const LOOKING_SECONDS = 120;

/** Shows every letter of the deployment. SQS can't be looked into: each is in hand for a moment. */
export async function eachDeadLetter(
  office: DeadLetterOffice,
  onLetter: (letter: HeldLetter) => void,
  signal: AbortSignal,
): Promise<void> {
  const handle: Handle = async (letter) => {
    onLetter(letter);
    return false;
  };
  await goThroughAll(office, { visibilitySeconds: LOOKING_SECONDS, handle, signal });
}

/** What the split function answers when somebody else is at it. See services/split/split-video.ts. */
const DONE_ELSEWHERE = "done elsewhere";

const BUSY =
  "another delivery of this upload is being split, or was broken off less than a function's timeout ago: try again then";

/**
 * Hands the event to its function once more, and waits for what comes of it: only then is it known whether the letter can
 * go. Nobody else hears of it, and what is done already isn't done twice.
 */
async function handOver({ lambda }: DeadLetterOffice, { letter }: HeldLetter): Promise<Redrive> {
  if (letter === undefined) return { outcome: "kept", why: "it is no dead letter of EventBridge's or Lambda's" };
  if (letter.functionArn === undefined) return { outcome: "kept", why: "it doesn't say which function it was for" };
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({
      FunctionName: letter.functionArn,
      InvocationType: "RequestResponse",
      Payload: JSON.stringify(letter.event),
    }),
  );
  const answer = JSON.parse(Payload?.transformToString() || "null");
  if (FunctionError !== undefined)
    return { outcome: "kept", why: `it failed again: ${answer?.errorType}: ${answer?.errorMessage}` };
  if (answer?.outcome === DONE_ELSEWHERE) return { outcome: "kept", why: BUSY };
  return { outcome: "handled", result: [answer?.outcome, answer?.reason ?? answer?.why].filter(Boolean).join(": ") };
}

/** A function's longest, and some. Seconds. */
const REDRIVING_SECONDS = 960;

/**
 * Brings letters home: those of which `wanted` is true. A letter is thrown away once its function has handled the event, so
 * this may be interrupted and repeated.
 */
export async function redriveDeadLetters(
  office: DeadLetterOffice,
  wanted: (letter: HeldLetter) => boolean,
  onRedrive: (letter: HeldLetter, redrive: Redrive) => void,
  signal: AbortSignal,
): Promise<void> {
  const handle: Handle = async (letter) => {
    if (!wanted(letter)) return false;
    const redrive = await handOver(office, letter).catch(
      (error: unknown): Redrive => ({ outcome: "kept", why: error instanceof Error ? error.message : String(error) }),
    );
    onRedrive(letter, redrive);
    return redrive.outcome === "handled";
  };
  await goThroughAll(office, { visibilitySeconds: REDRIVING_SECONDS, handle, signal });
}
