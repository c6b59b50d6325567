import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { DeadLetters } from "../reconciler/ports/dead-letters.ts";

/** SQS's limit for one call of any operation. */
const MAX_MESSAGES = 10;

/** A healthy queue responds within a fraction of a second. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 5_000;

/**
 * One client for all of an execution environment. Endpoint, region and credentials come the SDK's
 * own way.
 */
export const sqsClient = (): SQSClient =>
  new SQSClient({
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
    }),
  });

/** Resolves as the request does. Throws `signal`'s reason instead of the SDK's own error. */
async function unlessAborted<T>(request: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await request;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** A dead-letter queue in SQS, by its URL. Throws the SDK's errors. */
export const sqsDeadLetters = (client: SQSClient, QueueUrl: string): DeadLetters => ({
  // No long polling: dead letters are hidden as briefly as possible, and the next run gets those
  // that a poll missed.
  receive: async (VisibilityTimeout, signal) => {
    const command = new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: MAX_MESSAGES,
      VisibilityTimeout,
      WaitTimeSeconds: 0,
    });
    const { Messages = [] } = await unlessAborted(client.send(command, { abortSignal: signal }), signal);
    return Messages.map(({ MessageId = "", ReceiptHandle = "", Body = "" }) => ({
      id: MessageId,
      receipt: ReceiptHandle,
      body: Body,
    }));
  },

  delete: async ({ receipt: ReceiptHandle }, signal) => {
    const command = new DeleteMessageCommand({ QueueUrl, ReceiptHandle });
    await unlessAborted(client.send(command, { abortSignal: signal }), signal);
  },

  // SQS reports deleted ones as failed; any other becomes visible again when its time is over.
  release: async (deadLetters) => {
    for (let at = 0; at < deadLetters.length; at += MAX_MESSAGES) {
      const Entries = deadLetters
        .slice(at, at + MAX_MESSAGES)
        .map(({ receipt: ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
      await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  },
});
