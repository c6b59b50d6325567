import type { BusId, QueueId, Retry, Rule, Schedule, Topology } from "../topology.ts";
import type { Subscribable } from "./buses.ts";
import { acceptDeadLetters, type Queues } from "./dead-letters.ts";
import type { Functions } from "./functions.ts";
import { logicalName } from "./names.ts";

export type Subscriber = Parameters<Subscribable["subscribe"]>[1];

type Delivery = {
  description: string;
  /** JSON: SST's own argument knows three fields only. */
  pattern: $util.Input<string>;
  retry: Retry;
  deadLetters: sst.aws.Queue;
};

/**
 * A rule that delivers what matches to a function, retries as it is told, and leaves what can't be delivered in a queue, whose
 * policy is the caller's. Returns the rule's ARN.
 */
export function deliver(
  name: string,
  bus: Subscribable,
  subscriber: Subscriber,
  { description, pattern, retry, deadLetters }: Delivery,
): $util.Output<string> {
  const subscription = bus.subscribe(name, subscriber, {
    transform: {
      rule: { description, eventPattern: pattern },
      target: {
        deadLetterConfig: { arn: deadLetters.arn },
        retryPolicy: { maximumRetryAttempts: retry.attempts, maximumEventAgeInSeconds: retry.maxAgeSeconds },
      },
    },
  });
  return subscription.nodes.rule.arn;
}

type Ends = { buses: Record<BusId, Subscribable>; functions: Functions; queues: Queues };

const createRule = (rule: Rule, { buses, functions, queues }: Ends): $util.Output<string> =>
  deliver(logicalName(rule.name), buses[rule.bus], functions[rule.target], {
    description: rule.description,
    pattern: $jsonStringify(rule.pattern),
    retry: rule.retry,
    deadLetters: queues[rule.deadLetters],
  });

const createSchedule = (
  { name, description, everyMinutes, target, retry, deadLetters }: Schedule,
  { functions, queues }: Ends,
): $util.Output<string> => {
  const cron = new sst.aws.Cron(logicalName(name), {
    function: functions[target].arn,
    schedule: `rate(${everyMinutes} minutes)`,
    transform: {
      rule: { description },
      target: (args) => {
        // SST's default is an empty event; EventBridge's own says which schedule it is, and when.
        args.input = undefined;
        args.deadLetterConfig = { arn: queues[deadLetters].arn };
        args.retryPolicy = { maximumRetryAttempts: retry.attempts, maximumEventAgeInSeconds: retry.maxAgeSeconds };
      },
    },
  });
  return cron.nodes.rule.arn;
};

/**
 * The topology's rules and schedules, and the policies of the queues, each of which takes dead letters from its own rules alone.
 */
export function createRules({ rules, schedules }: Topology<$util.Output<string>>, ends: Ends): void {
  const created = [
    ...rules.map((rule) => ({ queue: rule.deadLetters, arn: createRule(rule, ends) })),
    ...schedules.map((schedule) => ({ queue: schedule.deadLetters, arn: createSchedule(schedule, ends) })),
  ];
  for (const [id, queue] of Object.entries(ends.queues) as [QueueId, sst.aws.Queue][]) {
    const arns = created.filter((rule) => rule.queue === id).map(({ arn }) => arn);
    acceptDeadLetters(logicalName(id), queue, arns);
  }
}
