import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { queueUrl } from "../arns.ts";
import { type CreatedQueue, CreatedQueues } from "./created-queues.ts";
import { SqsError } from "./errors.ts";
import { OPERATIONS } from "./operations.ts";
import { type Content, Queue, type StoredMessage } from "./queue.ts";

export type { Content, StoredMessage } from "./queue.ts";

export type LocalSqs = {
  /** Answers one request of SQS's API (AWS JSON 1.0). */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Whether there is such a queue. */
  has(queue: string): boolean;
  /** Durable when it returns. Throws for an unknown queue, or where the disk is full. */
  send(queue: string, content: Content): void;
  /** All messages of a queue, in flight or not. Throws for an unknown queue. */
  messages(queue: string): StoredMessage[];
  close(): void;
};

export type SqsOptions = {
  /** Where the queues' files are; it must exist, and no other process may use it. */
  directory: string;
  region: string;
  queues: readonly { name: string; retentionDays: number }[];
};

const TARGET_PREFIX = "AmazonSQS.";

/**
 * Until 2023 SQS's clients used a protocol of forms and XML.
 * https://aws.amazon.com/blogs/compute/reducing-latency-amazon-sqs-json-protocol/
 */
const OLD_CLIENT =
  "The local SQS has only the AWS JSON protocol, which SDKs use since November 2023. This client uses the older query protocol. Use a newer one.";

/** In that protocol, so that the client shows the message. */
function refuseOldClient(request: IncomingMessage, response: ServerResponse): void {
  const error = `<Error><Type>Sender</Type><Code>UnsupportedOperation</Code><Message>${OLD_CLIENT}</Message></Error>`;
  const body = `<ErrorResponse>${error}<RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
  request.resume().once("end", () => response.writeHead(400, { "content-type": "text/xml" }).end(body));
}

function refusal(error: unknown): SqsError {
  return error instanceof SqsError
    ? error
    : new SqsError("InternalFailure", error instanceof Error ? error.message : String(error));
}

const SECONDS_PER_DAY = 86_400;

/** Of SQS: four days. */
const retentionDaysOf = ({ MessageRetentionPeriod = String(4 * SECONDS_PER_DAY) }: Record<string, string>): number =>
  Number(MessageRetentionPeriod) / SECONDS_PER_DAY;

/** Opens the queues, with the messages of earlier runs. */
export async function openSqs({ directory, region, queues }: SqsOptions): Promise<LocalSqs> {
  const opened = new Map<string, Queue>();
  const fileOf = (name: string) => join(directory, `${encodeURIComponent(name)}.jsonl`);
  for (const { name, retentionDays } of queues) opened.set(name, await Queue.open(name, fileOf(name), retentionDays));
  const created = new CreatedQueues(join(directory, "created.json"));
  const opening = new Map<string, Promise<void>>();
  const openCreated = ({ name, attributes }: CreatedQueue): Promise<void> => {
    if (opened.has(name)) return Promise.resolve();
    // Two requests at the same time share one opening: a file has one writer.
    const running =
      opening.get(name) ??
      Queue.open(name, fileOf(name), retentionDaysOf(attributes))
        .then((queue) => void opened.set(name, queue))
        .finally(() => opening.delete(name));
    opening.set(name, running);
    return running;
  };
  for (const queue of created.all()) await openCreated(queue);
  const remove = async (name: string): Promise<void> => {
    opened.get(name)?.close();
    opened.delete(name);
    for (const file of [fileOf(name), `${fileOf(name)}.end`]) await rm(file, { force: true });
  };

  const known = (name: string): Queue => {
    const queue = opened.get(name);
    if (queue === undefined) throw new Error(`There is no queue ${name}`);
    return queue;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<object> => {
    const target = String(request.headers["x-amz-target"]);
    const operation = OPERATIONS.get(target.slice(TARGET_PREFIX.length));
    if (operation === undefined)
      throw new SqsError("UnsupportedOperation", `The local SQS has no operation "${target}".`);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const urlOf = (name: string) => queueUrl(`http://${request.headers.host}`, name);
    const api = { region, queues: opened, created, open: openCreated, remove, urlOf, signal: gone.signal };
    return operation(await json(request), api);
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": randomUUID() };
    try {
      const body = JSON.stringify(await answer(request, response));
      response.writeHead(200, headers).end(body);
    } catch (thrown) {
      const error = refusal(thrown);
      const body = JSON.stringify({ __type: `com.amazonaws.sqs#${error.code}`, message: error.message });
      const status = error.code === "InternalFailure" ? 500 : 400;
      response.writeHead(status, { ...headers, "x-amzn-query-error": error.queryError }).end(body);
    }
  };

  return {
    handle: (request, response) => {
      if (String(request.headers["x-amz-target"]).startsWith(TARGET_PREFIX)) void respond(request, response);
      else refuseOldClient(request, response);
    },
    has: (queue) => opened.has(queue),
    send: (queue, content) => void known(queue).send(content),
    messages: (queue) => known(queue).messages(),
    close: () => {
      for (const queue of opened.values()) queue.close();
    },
  };
}
