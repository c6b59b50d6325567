import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { createEvent, type VideoSplitEvent } from "#events-schema";
import type { EventPublisher } from "../video/ports/event-publisher.ts";

/** PutEvents takes at most this many entries. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
export const MAX_ENTRIES = 10;

/** And this many bytes of entries: the limit of old, which emulators and some regions still have. */
export const MAX_BYTES = 256 * 1024;

/** Attempts for one entry, the first included. */
const ATTEMPTS = 6;
const BACKOFF_MS = 100;

/** A healthy bus answers within a fraction of a second: these only have to end a connection that went dead. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 5_000;

/** One client for all of an execution environment. Endpoint, region and credentials come the SDK's own way. */
export const eventBridgeClient = (): EventBridgeClient =>
  new EventBridgeClient({
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
    }),
  });

/** An event was not accepted by the bus. Worth a retry: the same event has the same id again. */
export class PublishError extends Error {
  override name = "PublishError";
}

type Pending = {
  entry: PutEventsRequestEntry;
  bytes: number;
  attempts: number;
  accepted: () => void;
  refused: (error: Error) => void;
};

const bytesOf = (text: string | undefined): number => Buffer.byteLength(text ?? "");

/** An entry's size as EventBridge counts it: 14 bytes for a time, and the bytes of source, type and detail. */
const TIME_BYTES = 14;
const entryBytes = (entry: PutEventsRequestEntry): number =>
  TIME_BYTES + bytesOf(entry.Source) + bytesOf(entry.DetailType) + bytesOf(entry.Detail);

/** Takes from the front of the queue what fits into one call; at least one, so that EventBridge itself refuses a giant. */
export function takeBatch<T extends { bytes: number }>(queue: T[]): T[] {
  let count = 0;
  let bytes = 0;
  for (const { bytes: next } of queue) {
    if (count === MAX_ENTRIES || (count > 0 && bytes + next > MAX_BYTES)) break;
    count += 1;
    bytes += next;
  }
  return queue.splice(0, count);
}

/**
 * Publishes to one bus. Events that are announced while a call is under way go together with the next, so nothing waits
 * for a batch to fill; an entry that EventBridge refuses is sent again alone, the accepted ones beside it are not.
 */
export function eventBridgePublisher(client: EventBridgeClient, busName: string): EventPublisher {
  const queue: Pending[] = [];
  let sending = false;

  const settle = (pending: Pending, error: Error): void => {
    if (pending.attempts >= ATTEMPTS) {
      pending.refused(error);
      return;
    }
    const delay = BACKOFF_MS * 2 ** pending.attempts * Math.random();
    setTimeout(() => {
      queue.push(pending);
      void drain();
    }, delay);
  };

  const send = async (batch: Pending[]): Promise<void> => {
    for (const pending of batch) pending.attempts += 1;
    try {
      const { Entries } = await client.send(new PutEventsCommand({ Entries: batch.map(({ entry }) => entry) }));
      for (const [index, pending] of batch.entries()) {
        const result = Entries?.[index];
        if (result?.EventId !== undefined && result.ErrorCode === undefined) {
          pending.accepted();
          continue;
        }
        const fault = `${result?.ErrorCode ?? "NoAnswer"}: ${result?.ErrorMessage ?? "EventBridge gave no result for the entry"}`;
        settle(pending, new PublishError(`The bus ${busName} refused ${pending.entry.DetailType}: ${fault}`));
      }
    } catch (cause) {
      const error = new PublishError(
        `PutEvents to the bus ${busName} failed: ${cause instanceof Error ? cause.message : cause}`,
        {
          cause,
        },
      );
      for (const pending of batch) settle(pending, error);
    }
  };

  const drain = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    while (queue.length > 0) await send(takeBatch(queue));
    sending = false;
  };

  return {
    publish: (event: VideoSplitEvent) =>
      new Promise((accepted, refused) => {
        const { source, detailType, detail } = createEvent(event.type, event.data, event.metadata);
        const entry: PutEventsRequestEntry = {
          EventBusName: busName,
          Source: source,
          DetailType: detailType,
          Detail: JSON.stringify(detail),
          Time: new Date(event.metadata.occurredAt),
        };
        queue.push({ entry, bytes: entryBytes(entry), attempts: 0, accepted, refused });
        void drain();
      }),
  };
}
