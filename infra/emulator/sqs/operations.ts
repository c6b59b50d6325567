import { createHash } from "node:crypto";
import * as z from "zod";
import { queueArn } from "../arns.ts";
import { SqsError } from "./errors.ts";
import { OfQueue, type Operation, parse, queueOf } from "./operation.ts";
import type { Queue, Received } from "./queue.ts";
import { QUEUE_OPERATIONS } from "./queue-operations.ts";

/** Seconds; SQS's default. */
const VISIBILITY_SECONDS = 30;
const MAX_VISIBILITY = 43_200;
const MAX_WAIT = 20;
const MAX_MESSAGES = 10;
const MAX_LISTED = 1_000;

const Seconds = z.int().min(0).max(MAX_VISIBILITY);
const Attribute = z.object({ DataType: z.string(), StringValue: z.string() });
const Sent = z.object({
  MessageBody: z.string().min(1),
  MessageAttributes: z.record(z.string(), Attribute).optional(),
});
const Receipt = z.object({ ReceiptHandle: z.string() });
const Change = Receipt.extend({ VisibilityTimeout: Seconds });
const batchOf = <S extends z.ZodRawShape>(entry: S) =>
  OfQueue.extend({
    Entries: z
      .array(z.object({ ...entry, Id: z.string() }))
      .min(1)
      .max(MAX_MESSAGES),
  });

const md5 = (content: string | Buffer): string => createHash("md5").update(content).digest("hex");

const sized = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};

/**
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
 */
const STRING_TRANSPORT = Buffer.from([1]);
const md5OfAttributes = (attributes: Record<string, string>): string =>
  md5(
    Buffer.concat(
      Object.entries(attributes)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .flatMap(([name, value]) => [sized(name), sized("String"), STRING_TRANSPORT, sized(value)]),
    ),
  );

const hasAttributes = (attributes: Record<string, string>): boolean => Object.keys(attributes).length > 0;

function send(queue: Queue, { MessageBody, MessageAttributes = {} }: z.infer<typeof Sent>) {
  const attributes = Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]),
  );
  return {
    MessageId: queue.send({ body: MessageBody, attributes }),
    MD5OfMessageBody: md5(MessageBody),
    ...(hasAttributes(attributes) && { MD5OfMessageAttributes: md5OfAttributes(attributes) }),
  };
}

const chosen = <T>(wanted: readonly string[], all: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes("All") || wanted.includes(name)));

function shown(message: Received, wanted: readonly string[], system: readonly string[]) {
  const attributes = chosen(wanted, message.attributes);
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    Body: message.body,
    MD5OfBody: md5(message.body),
    Attributes: chosen(system, {
      SentTimestamp: String(message.sentAt),
      ApproximateReceiveCount: String(message.receiveCount),
    }),
    ...(hasAttributes(attributes) && {
      MessageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: "String", StringValue }]),
      ),
      MD5OfMessageAttributes: md5OfAttributes(attributes),
    }),
  };
}

/** Handles each entry, and reports those that failed. */
function each<E extends { Id: string }>(entries: readonly E[], work: (entry: E) => object): object {
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof SqsError)) throw error;
      Failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

const nothing = {};

const Receive = OfQueue.extend({
  MaxNumberOfMessages: z.int().min(1).max(MAX_MESSAGES).default(1),
  VisibilityTimeout: Seconds.default(VISIBILITY_SECONDS),
  WaitTimeSeconds: z.int().min(0).max(MAX_WAIT).default(0),
  MessageAttributeNames: z.array(z.string()).default([]),
  AttributeNames: z.array(z.string()).default([]),
  MessageSystemAttributeNames: z.array(z.string()).default([]),
});

/**
 * By their names in the API:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
 */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries<Operation>({
    ...QUEUE_OPERATIONS,
    ListQueues: (input, { queues, urlOf }) => {
      const request = z.object({
        QueueNamePrefix: z.string().default(""),
        MaxResults: z.int().min(1).max(MAX_LISTED).default(MAX_LISTED),
        NextToken: z.string().default("0"),
      });
      const { QueueNamePrefix, MaxResults, NextToken } = parse(request, input);
      const names = [...queues.keys()].filter((name) => name.startsWith(QueueNamePrefix));
      const end = Number(NextToken) + MaxResults;
      const QueueUrls = names.slice(Number(NextToken), end).map(urlOf);
      return { QueueUrls, ...(end < names.length && { NextToken: String(end) }) };
    },
    GetQueueUrl: (input, api) => {
      const { QueueName } = parse(z.object({ QueueName: z.string() }), input);
      return { QueueUrl: api.urlOf(queueOf({ QueueUrl: QueueName }, api).name) };
    },
    GetQueueAttributes: (input, api) => {
      const request = parse(OfQueue.extend({ AttributeNames: z.array(z.string()).default([]) }), input);
      const queue = queueOf(request, api);
      const { visible, inFlight } = queue.counts();
      const Attributes = chosen(request.AttributeNames, {
        ...api.created.get(queue.name)?.attributes,
        ApproximateNumberOfMessages: String(visible),
        ApproximateNumberOfMessagesNotVisible: String(inFlight),
        QueueArn: queueArn(api.region, queue.name),
      });
      return { Attributes };
    },
    SendMessage: (input, api) => {
      const request = parse(OfQueue.extend(Sent.shape), input);
      return send(queueOf(request, api), request);
    },
    SendMessageBatch: (input, api) => {
      const request = parse(batchOf(Sent.shape), input);
      const queue = queueOf(request, api);
      return each(request.Entries, (entry) => send(queue, entry));
    },
    ReceiveMessage: async (input, api) => {
      const request = parse(Receive, input);
      const messages = await queueOf(request, api).receive(request.MaxNumberOfMessages, {
        visibilitySeconds: request.VisibilityTimeout,
        waitSeconds: request.WaitTimeSeconds,
        signal: api.signal,
      });
      const system = [...request.AttributeNames, ...request.MessageSystemAttributeNames];
      return messages.length === 0
        ? nothing
        : { Messages: messages.map((message) => shown(message, request.MessageAttributeNames, system)) };
    },
    DeleteMessage: (input, api) => {
      const request = parse(OfQueue.extend(Receipt.shape), input);
      queueOf(request, api).delete(request.ReceiptHandle);
      return nothing;
    },
    DeleteMessageBatch: (input, api) => {
      const request = parse(batchOf(Receipt.shape), input);
      const queue = queueOf(request, api);
      return each(request.Entries, ({ ReceiptHandle }) => {
        queue.delete(ReceiptHandle);
        return nothing;
      });
    },
    ChangeMessageVisibility: (input, api) => {
      const request = parse(OfQueue.extend(Change.shape), input);
      queueOf(request, api).changeVisibility(request.ReceiptHandle, request.VisibilityTimeout);
      return nothing;
    },
    ChangeMessageVisibilityBatch: (input, api) => {
      const request = parse(batchOf(Change.shape), input);
      const queue = queueOf(request, api);
      return each(request.Entries, ({ ReceiptHandle, VisibilityTimeout }) => {
        queue.changeVisibility(ReceiptHandle, VisibilityTimeout);
        return nothing;
      });
    },
    PurgeQueue: (input, api) => {
      queueOf(parse(OfQueue, input), api).purge();
      return nothing;
    },
  }),
);
