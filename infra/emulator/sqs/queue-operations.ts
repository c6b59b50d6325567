import * as z from "zod";
import { SqsError } from "./errors.ts";
import { OfQueue, type Operation, parse, queueOf } from "./operation.ts";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
const QUEUE_NAME = /^[A-Za-z0-9_-]{1,80}$/;

const Texts = z.record(z.string(), z.string());

const CreateQueue = z.object({
  QueueName: z.string(),
  Attributes: Texts.default({}),
  tags: Texts.default({}),
});

/** What SQS gives an attribute that isn't given. */
const DEFAULTS: Readonly<Record<string, string>> = {
  DelaySeconds: "0",
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
  VisibilityTimeout: "30",
};

/** SQS finds a queue that is there already by its name, but not with other attributes. */
function assertSame(attributes: Record<string, string>, existing: Record<string, string>): void {
  const isOther = ([name, value]: [string, string]) => (existing[name] ?? DEFAULTS[name] ?? value) !== value;
  const [other] = Object.entries(attributes).find(isOther) ?? [];
  if (other === undefined) return;
  throw new SqsError(
    "QueueNameExists",
    `A queue already exists with the same name and a different value for attribute ${other}`,
  );
}

/** Operations on whole queues. Those of the stack itself can't be changed. */
export const QUEUE_OPERATIONS: Record<string, Operation> = {
  CreateQueue: async (input, { created, queues, open, urlOf }) => {
    const { QueueName: name, Attributes: attributes, tags } = parse(CreateQueue, input);
    if (name.endsWith(".fifo")) throw new SqsError("UnsupportedOperation", "The local SQS has no FIFO queues.");
    if (!QUEUE_NAME.test(name))
      throw new SqsError(
        "InvalidParameterValueException",
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
      );
    if (!queues.has(name)) {
      const queue = { name, attributes, tags };
      await open(queue);
      // Another request may have created it meanwhile.
      if (created.get(name) === undefined) created.put(queue);
    }
    const existing = created.get(name);
    if (existing !== undefined) assertSame(attributes, existing.attributes);
    return { QueueUrl: urlOf(name) };
  },
  DeleteQueue: async (input, api) => {
    const { name } = queueOf(parse(OfQueue, input), api);
    assertCreated(name, api.created.get(name) !== undefined);
    // A crash in between leaves an empty queue; the other way around, a new one would have its messages.
    await api.remove(name);
    api.created.delete(name);
    return {};
  },
  SetQueueAttributes: (input, { created, ...api }) => {
    const request = parse(OfQueue.extend({ Attributes: Texts }), input);
    const { name } = queueOf(request, api);
    const queue = created.get(name);
    assertCreated(name, queue !== undefined);
    created.put({ ...queue!, attributes: { ...queue!.attributes, ...request.Attributes } });
    return {};
  },
  ListQueueTags: (input, { created, ...api }) => {
    const { name } = queueOf(parse(OfQueue, input), api);
    return { Tags: created.get(name)?.tags ?? {} };
  },
  TagQueue: (input, { created, ...api }) => {
    const request = parse(OfQueue.extend({ Tags: Texts }), input);
    const { name } = queueOf(request, api);
    const queue = created.get(name);
    assertCreated(name, queue !== undefined);
    created.put({ ...queue!, tags: { ...queue!.tags, ...request.Tags } });
    return {};
  },
};

function assertCreated(name: string, isCreated: boolean): void {
  if (isCreated) return;
  throw new SqsError(
    "UnsupportedOperation",
    `The queue ${name} belongs to the local stack. SetQueueAttributes, TagQueue and DeleteQueue are for queues of your own.`,
  );
}
