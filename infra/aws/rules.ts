import type { BusId, QueueId, Retry, Rule, Schedule, Topology } from "../topology.ts";
import type { Subscribable } from "./buses.ts";
import { acceptDeadLetters, type Queues } from "./dead-letter-queues.ts";
import type { Functions } from "./functions.ts";
import { logicalName } from "./names.ts";

export type Subscriber = Parameters<Subscribable["subscribe"]>[1];

type Delivery = {
  description: $util.Input<string>;
  /** Default: enabled. */
  isEnabled?: boolean;
  /** JSON, because SST's own argument has only three fields. */
  pattern: $util.Input<string>;
  retry: Retry;
  deadLetters: sst.aws.Queue;
};

/**
 * A rule that delivers matching events to a function, retries as `retry` says, and sends what can't
 * be delivered to a queue, whose policy is the caller's. Returns the rule's ARN.
 */
export function deliver(
  name: string,
  bus: Subscribable,
  subscriber: Subscriber,
  { description, isEnabled = true, pattern, retry, deadLetters }: Delivery,
): $util.Output<string> {
  const subscription = bus.subscribe(name, subscriber, {
    transform: {
      rule: { description, eventPattern: pattern, state: isEnabled ? "ENABLED" : "DISABLED" },
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
    isEnabled: rule.isEnabled,
    pattern: $jsonStringify(rule.pattern),
    retry: rule.retry,
    deadLetters: queues[rule.deadLetters],
  });

/**
 * The event of a schedule, in the form of EventBridge's rules, so that a dead letter names the
 * schedule and the time. EventBridge Scheduler fills in the values:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 */
const SCHEDULED_EVENT = {
  version: "0",
  id: "<aws.scheduler.execution-id>",
  "detail-type": "Scheduled Event",
  source: "aws.scheduler",
  time: "<aws.scheduler.scheduled-time>",
  resources: ["<aws.scheduler.schedule-arn>"],
  detail: {},
};

function createSchedule(
  { name, description, everyMinutes, target, retry, deadLetters }: Schedule,
  { functions, queues }: Ends,
): void {
  new sst.aws.CronV2(logicalName(name), {
    function: functions[target].arn,
    schedule: `rate(${everyMinutes} minutes)`,
    event: SCHEDULED_EVENT,
    retries: retry.attempts,
    dlq: queues[deadLetters].arn,
    transform: {
      schedule: (args) => {
        args.description = description;
        args.target = $output(args.target).apply((to) => ({
          ...to,
          retryPolicy: { maximumRetryAttempts: retry.attempts, maximumEventAgeInSeconds: retry.maxAgeSeconds },
        }));
      },
    },
  });
}

/**
 * The topology's rules and schedules, and the policies of the queues, each of which takes dead
 * letters only from its own rules. A schedule sends its dead letters with its role.
 */
export function createRules({ rules, schedules }: Topology<$util.Output<string>>, ends: Ends): void {
  const created = rules.map((rule) => ({ queue: rule.deadLetters, arn: createRule(rule, ends) }));
  for (const schedule of schedules) createSchedule(schedule, ends);
  for (const [id, queue] of Object.entries(ends.queues) as [QueueId, sst.aws.Queue][]) {
    const arns = created.filter((rule) => rule.queue === id).map(({ arn }) => arn);
    acceptDeadLetters(logicalName(id), queue, arns);
  }
}
