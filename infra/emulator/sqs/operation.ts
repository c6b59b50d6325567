import * as z from "zod";
import type { CreatedQueue, CreatedQueues } from "./created-queues.ts";
import { SqsError } from "./errors.ts";
import type { Queue } from "./queue.ts";

export type Api = {
  region: string;
  queues: ReadonlyMap<string, Queue>;
  /** Those that clients have created, among all. */
  created: CreatedQueues;
  open(queue: CreatedQueue): Promise<void>;
  /** Closes a queue and removes its messages. */
  remove(name: string): Promise<void>;
  urlOf(name: string): string;
  /** Aborted when the client has disconnected. */
  signal: AbortSignal;
};

export type Operation = (input: unknown, api: Api) => object | Promise<object>;

export const OfQueue = z.object({ QueueUrl: z.string() });

export function parse<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SqsError(
    "InvalidParameterValueException",
    `Value for parameter ${issue?.path.join(".")} is invalid. Reason: ${issue?.message}`,
  );
}

export function queueOf({ QueueUrl }: { QueueUrl: string }, { queues }: Pick<Api, "queues">): Queue {
  const queue = queues.get(QueueUrl.slice(QueueUrl.lastIndexOf("/") + 1));
  if (queue === undefined) throw new SqsError("QueueDoesNotExist", "The specified queue does not exist.");
  return queue;
}
