import { setTimeout as delay } from "node:timers/promises";
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { createEvent, type VideoSplitEvent } from "#events-schema";
import { ServiceError } from "../video/errors.ts";
import type { EventPublisher } from "../video/ports/event-publisher.ts";
import { oneAttempt } from "./one-attempt.ts";

/**
 * PutEvents takes at most this many entries.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
export const MAX_ENTRIES = 10;

/** Maximum bytes of its entries: the former limit, which emulators and some regions still have. */
export const MAX_BYTES = 256 * 1024;

/** Attempts for one entry, the first included. The SDK makes no retries. */
const MAX_ATTEMPTS = 8;

/** Half the longest first pause; doubles with each attempt. */
const BACKOFF_MS = 100;

/**
 * A healthy bus responds within a fraction of a second: these timeouts only end a dead connection.
 */
const CONNECT_MS = 2_000;
const ANSWER_MS = 5_000;

/**
 * One client for all of an execution environment. Endpoint, region and credentials come the SDK's
 * own way.
 */
export const eventBridgeClient = (): EventBridgeClient =>
  new EventBridgeClient({
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
    }),
  });

/** An event was not accepted by the bus. Can be retried: the event keeps its id. */
export class PublishError extends ServiceError {
  override name = "PublishError";
  readonly code = "PublishFailed";
  readonly retryable = true;
}

type Pending = {
  entry: PutEventsRequestEntry;
  bytes: number;
  attempts: number;
  /** Settles the event: without an error, it succeeded. A second call has no effect. */
  settle: (error?: unknown) => void;
  /** Aborted once it's settled. */
  settled: AbortSignal;
};

const bytesOf = (text: string | undefined): number => Buffer.byteLength(text ?? "");

/**
 * An entry's size as EventBridge counts it: 14 bytes for a time, and the bytes of source, type and
 * detail.
 */
const TIME_BYTES = 14;
const entryBytes = (entry: PutEventsRequestEntry): number =>
  TIME_BYTES + bytesOf(entry.Source) + bytesOf(entry.DetailType) + bytesOf(entry.Detail);

/**
 * Takes from the front of the queue what fits into one call; at least one, so that EventBridge
 * itself refuses one that is too large.
 */
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
 * A signal that is aborted when no caller waits for an entry of the batch any more. Call `release`
 * at the end.
 */
function abandonment(batch: readonly Pending[]): { signal: AbortSignal; release: () => void } {
  const abandoned = new AbortController();
  const listening = new AbortController();
  const check = () => {
    if (batch.every(({ settled }) => settled.aborted)) abandoned.abort();
  };
  for (const { settled } of batch) settled.addEventListener("abort", check, { signal: listening.signal });
  return { signal: abandoned.signal, release: () => listening.abort() };
}

/**
 * Publishes to one bus. Events that are announced during a call go into the next one, so no event
 * waits for a full batch. Only the entries that EventBridge refuses are sent again. A call is
 * aborted when all of its entries are. `backoffMs` is longer in tests.
 */
export function eventBridgePublisher(
  client: EventBridgeClient,
  busName: string,
  backoffMs: number = BACKOFF_MS,
): EventPublisher {
  const queue: Pending[] = [];
  let sending = false;

  const retry = async (pending: Pending, error: Error): Promise<void> => {
    if (pending.attempts >= MAX_ATTEMPTS) return pending.settle(error);
    const pause = backoffMs * 2 ** pending.attempts * Math.random();
    // Rejects after it was settled: nothing is left to do.
    await delay(pause, undefined, { signal: pending.settled }).then(
      () => enqueue(pending),
      () => {},
    );
  };

  const send = async (batch: Pending[]): Promise<void> => {
    for (const pending of batch) pending.attempts += 1;
    const { signal: abortSignal, release } = abandonment(batch);
    const command = new PutEventsCommand({ Entries: batch.map(({ entry }) => entry) });
    try {
      const { Entries } = await client.send(oneAttempt(command), { abortSignal }).finally(release);
      for (const [index, pending] of batch.entries()) {
        const result = Entries?.[index];
        if (result?.EventId !== undefined && result.ErrorCode === undefined) {
          pending.settle();
          continue;
        }
        const fault = `${result?.ErrorCode ?? "NoAnswer"}: ${result?.ErrorMessage ?? "EventBridge gave no result for the entry"}`;
        void retry(pending, new PublishError(`The bus ${busName} refused ${pending.entry.DetailType}: ${fault}`));
      }
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      const error = new PublishError(`PutEvents to the bus ${busName} failed: ${detail}`, { cause });
      for (const pending of batch) void retry(pending, error);
    }
  };

  const drain = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    while (queue.length > 0) await send(takeBatch(queue));
    sending = false;
  };

  const enqueue = (pending: Pending): void => {
    queue.push(pending);
    void drain();
  };

  const dequeue = (pending: Pending): void => {
    const at = queue.indexOf(pending);
    if (at >= 0) queue.splice(at, 1);
  };

  const settlement = (entry: PutEventsRequestEntry, signal: AbortSignal | undefined) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ended = new AbortController();
    const settle = (error?: unknown): void => {
      if (ended.signal.aborted) return;
      ended.abort();
      if (error === undefined) resolve();
      else reject(error);
    };
    const pending: Pending = { entry, bytes: entryBytes(entry), attempts: 0, settle, settled: ended.signal };
    const leave = () => {
      dequeue(pending);
      settle(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { signal: ended.signal });
    return { pending, promise };
  };

  return {
    publish: async (event: VideoSplitEvent, signal?: AbortSignal) => {
      const { source, detailType, detail } = createEvent(event.type, event.data, event.metadata);
      signal?.throwIfAborted();
      const { pending, promise } = settlement(
        {
          EventBusName: busName,
          Source: source,
          DetailType: detailType,
          Detail: JSON.stringify(detail),
          Time: new Date(event.metadata.occurredAt),
        },
        signal,
      );
      enqueue(pending);
      await promise;
    },
  };
}
