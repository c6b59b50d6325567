import { type EventType, patternOf } from "#events-schema";
import { tagsOf } from "../aws/deployed-names.ts";
import { functionArn, queueArn } from "../emulator/arns.ts";
import type { ManagedRule } from "../emulator/events/types.ts";
import type { LocalFunction } from "../emulator/lambda/index.ts";
import { DELIVERY_RETRY, type Retry } from "../topology.ts";
import type { TaggedResource } from "./resource-tags.ts";

/** A function of somebody else's that receives events of the local stack, as it would on AWS. */
export type Consumer = {
  name: string;
  events: readonly [EventType, ...EventType[]];
  /** File without extension, a dot and the export: from the project's root, or absolute. */
  handler: string;
  environment: Record<string, string>;
};

/** What SST gives a function that names nothing else. */
const TIMEOUT_SECONDS = 20;
const MEMORY_MB = 1_024;

/** Of the dead letters of both levels, as `subscribe` in infra/aws has it. */
const queueOf = ({ name }: Pick<Consumer, "name">): string => `${name}-dead-letters`;

const QUEUE_RETENTION_DAYS = 14;

export const consumerQueues = (consumers: readonly Consumer[]): { name: string; retentionDays: number }[] =>
  consumers.map((consumer) => ({ name: queueOf(consumer), retentionDays: QUEUE_RETENTION_DAYS }));

/** The functions, and the queue of each one's failures. */
export const consumerFunctions = (
  consumers: readonly Consumer[],
  { retry, concurrency }: { retry: Retry; concurrency: (memoryMB: number) => number },
): (LocalFunction & { failures: string })[] =>
  consumers.map((consumer) => ({
    name: consumer.name,
    handler: consumer.handler,
    timeoutSeconds: TIMEOUT_SECONDS,
    memoryMB: MEMORY_MB,
    concurrency: concurrency(MEMORY_MB),
    retry,
    environment: consumer.environment,
    failures: queueOf(consumer),
  }));

export const consumerRules = (consumers: readonly Consumer[], bus: string, region: string): ManagedRule[] =>
  consumers.map((consumer) => ({
    name: consumer.name,
    description: `Events that ${consumer.name} consumes.`,
    bus,
    pattern: patternOf(...consumer.events),
    targets: [
      {
        id: consumer.name,
        arn: functionArn(region, consumer.name),
        retry: DELIVERY_RETRY,
        deadLetterArn: queueArn(region, queueOf(consumer)),
      },
    ],
  }));

/** Tags by which `dead-letters` finds the functions and their queues. */
export const consumerTags = (consumers: readonly Consumer[], stage: string, region: string): TaggedResource[] =>
  consumers.flatMap((consumer) =>
    [functionArn(region, consumer.name), queueArn(region, queueOf(consumer))].map((arn) => ({
      arn,
      tags: tagsOf(stage, consumer.name),
    })),
  );
