import {
  DeleteRuleCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTagsForResourceCommand,
  PutRuleCommand,
  PutTargetsCommand,
  type PutTargetsCommandOutput,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
  TagQueueCommand,
} from "@aws-sdk/client-sqs";

/** Where events are followed: a bus, and clients of its region. */
export type TailPlace = { events: EventBridgeClient; sqs: SQSClient; bus: string };

export type TailOptions = {
  /** JSON. */
  pattern: string;
  /** Distinguishes concurrent runs: a-z, digits and hyphens. */
  run: string;
  now: () => Date;
  onEvent: (event: unknown) => void;
  /** Called when events begin to arrive: those before aren't shown. */
  onReady: () => void;
  /** Called for what an earlier run has left, once it's removed. */
  onRemoved: (name: string) => void;
};

const EXPIRES = "video-split:expires";

/** A run renews this as it goes on, so only what a killed one has left expires. */
const LIFETIME_MS = 3_600_000;
const RENEWAL_MS = 600_000;

/** Nobody reads older events. SQS's minimum is a minute. */
const RETENTION_SECONDS = 300;

/** SQS's maximum: fewer requests. */
const WAIT_SECONDS = 20;
const MAX_MESSAGES = 10;

const TARGET_ID = "tail";

/** Of the rule and the queue, which have the same name: at most 64 characters. */
const prefixOf = (bus: string): string => `${bus}-tail-`;

const expiry = (now: Date): Record<string, string> => ({
  [EXPIRES]: new Date(now.getTime() + LIFETIME_MS).toISOString(),
});

const isMissing = (error: unknown): boolean =>
  error instanceof Error && ["ResourceNotFoundException", "QueueDoesNotExist"].includes(error.name);

const unlessMissing = (error: unknown): void => {
  if (!isMissing(error)) throw error;
};

/** Throws where EventBridge answers a request with success, and one of its entries failed. */
function assertNoneFailed({ FailedEntries: [failed] = [] }: Pick<PutTargetsCommandOutput, "FailedEntries">): void {
  if (failed !== undefined)
    throw new Error(`The rule's target was refused: ${failed.ErrorCode} ${failed.ErrorMessage}`);
}

async function removeRule({ events, bus }: TailPlace, name: string): Promise<void> {
  const remove = { Rule: name, EventBusName: bus, Ids: [TARGET_ID] };
  await events.send(new RemoveTargetsCommand(remove)).catch(unlessMissing);
  await events.send(new DeleteRuleCommand({ Name: name, EventBusName: bus })).catch(unlessMissing);
}

/** The queue goes last: it holds the expiry, and is found by the next run if this one dies here. */
async function remove(place: TailPlace, name: string, QueueUrl: string): Promise<void> {
  await removeRule(place, name);
  await place.sqs.send(new DeleteQueueCommand({ QueueUrl })).catch(unlessMissing);
}

const isExpired = (expires: string | undefined, now: Date): boolean =>
  expires !== undefined && Date.parse(expires) <= now.getTime();

async function queueExpiry({ sqs }: TailPlace, QueueUrl: string): Promise<string | undefined> {
  try {
    const { Tags } = await sqs.send(new ListQueueTagsCommand({ QueueUrl }));
    return Tags?.[EXPIRES];
  } catch (error) {
    // Another run has removed it.
    unlessMissing(error);
    return undefined;
  }
}

async function ruleExpiry({ events }: TailPlace, ResourceARN: string): Promise<string | undefined> {
  try {
    const { Tags = [] } = await events.send(new ListTagsForResourceCommand({ ResourceARN }));
    return Tags.find(({ Key }) => Key === EXPIRES)?.Value;
  } catch (error) {
    unlessMissing(error);
    return undefined;
  }
}

/** Removes the rules and queues of runs that were killed. */
async function removeExpired(place: TailPlace, { now, onRemoved }: TailOptions): Promise<void> {
  const { sqs, events, bus } = place;
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefixOf(bus) }));
  const names = new Set<string>();
  for (const QueueUrl of QueueUrls) {
    const name = QueueUrl.slice(QueueUrl.lastIndexOf("/") + 1);
    names.add(name);
    if (!isExpired(await queueExpiry(place, QueueUrl), now())) continue;
    await remove(place, name, QueueUrl);
    onRemoved(name);
  }
  // A run that died between its rule and its queue.
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName: bus, NamePrefix: prefixOf(bus) }));
  for (const { Name: name = "", Arn = "" } of Rules) {
    if (names.has(name) || !isExpired(await ruleExpiry(place, Arn), now())) continue;
    await removeRule(place, name);
    onRemoved(name);
  }
}

/** Lets the rule, and nobody else, send to the queue. */
const policyOf = (queueArn: string, ruleArn: string): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queueArn,
        Condition: { ArnEquals: { "aws:SourceArn": ruleArn } },
      },
    ],
  });

async function follow({ sqs }: TailPlace, QueueUrl: string, options: TailOptions, signal: AbortSignal) {
  let renewed = options.now().getTime();
  while (!signal.aborted) {
    const time = options.now();
    if (time.getTime() - renewed >= RENEWAL_MS) {
      await sqs.send(new TagQueueCommand({ QueueUrl, Tags: expiry(time) }));
      renewed = time.getTime();
    }
    const request = { QueueUrl, MaxNumberOfMessages: MAX_MESSAGES, WaitTimeSeconds: WAIT_SECONDS };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request), { abortSignal: signal });
    for (const { Body = "" } of Messages) options.onEvent(JSON.parse(Body));
    if (Messages.length > 0) await discard(sqs, QueueUrl, Messages);
  }
}

async function discard(sqs: SQSClient, QueueUrl: string, messages: readonly Message[]): Promise<void> {
  const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
}

/** The ARN of the queue of a rule's name, account and region. */
function queueArnOf(ruleArn: string, name: string): string {
  const [arn, partition, , region, account] = ruleArn.split(":");
  return [arn, partition, "sqs", region, account, name].join(":");
}

/**
 * Makes the queue, with the policy that the rule needs: a policy that is set later takes up to a
 * minute.
 */
async function createQueue({ sqs }: TailPlace, name: string, ruleArn: string, now: Date): Promise<string> {
  const { QueueUrl = "" } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name,
      Attributes: {
        MessageRetentionPeriod: String(RETENTION_SECONDS),
        SqsManagedSseEnabled: "true",
        Policy: policyOf(queueArnOf(ruleArn, name), ruleArn),
      },
      tags: expiry(now),
    }),
  );
  return QueueUrl;
}

/**
 * Follows the events of a bus until `signal` is aborted, through a rule and a queue of its own,
 * which it removes in the end. What a run that was killed has left, a run removes that begins an
 * hour later. Throws the SDK's errors, for a pattern that EventBridge refuses too.
 */
export async function tail(place: TailPlace, options: TailOptions, signal: AbortSignal): Promise<void> {
  const { events, bus } = place;
  await removeExpired(place, options);
  const name = `${prefixOf(bus)}${options.run}`;
  const { RuleArn = "" } = await events.send(
    new PutRuleCommand({
      Name: name,
      EventBusName: bus,
      EventPattern: options.pattern,
      Description: "npx video-split tail: temporary, and removed when it ends.",
      Tags: Object.entries(expiry(options.now())).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
  let QueueUrl: string | undefined;
  try {
    QueueUrl = await createQueue(place, name, RuleArn, options.now());
    const Targets = [{ Id: TARGET_ID, Arn: queueArnOf(RuleArn, name) }];
    assertNoneFailed(await events.send(new PutTargetsCommand({ Rule: name, EventBusName: bus, Targets })));
    options.onReady();
    await follow(place, QueueUrl, options, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await (QueueUrl === undefined ? removeRule(place, name) : remove(place, name, QueueUrl));
  }
}
