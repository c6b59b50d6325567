import { type EventType, patternOf, SOURCE } from "#events-schema";
import { DELIVERY_RETRY } from "../topology.ts";
import { acceptDeadLetters } from "./dead-letter-queues.ts";
import type { Subscription } from "./subscribe.ts";

/**
 * Forwards events of Video Split to an event bus of another account or region, in the app that
 * Video Split is deployed by or in another one of its account:
 *
 *     forward("ToAnalytics", "SegmentCreated", "arn:aws:events:eu-west-1:111122223333:event-bus/videos", { bus });
 *
 * The receiving bus must let this account put events: `acceptEvents`, in that account. Events that
 * can't be delivered end in the queue that is returned. docs/subscribe.md
 */
export function forward<T extends EventType>(
  name: string,
  to: T | readonly [T, ...T[]],
  targetBusArn: $util.Input<string>,
  { bus, where }: Subscription<T>,
): { deadLetters: sst.aws.Queue } {
  const types = (typeof to === "string" ? [to] : to) as [T, ...T[]];
  const source = typeof bus === "string" ? bus : bus.name;
  const deadLetters = new sst.aws.Queue(`${name}DeadLetters`);
  const rule = new aws.cloudwatch.EventRule(`${name}Rule`, {
    description: $interpolate`${types.join(", ")} of ${source}, forwarded`,
    eventBusName: source,
    eventPattern: JSON.stringify({ ...patternOf(...types), ...(where && { detail: { data: where } }) }),
  });
  const role = new aws.iam.Role(`${name}Role`, {
    assumeRolePolicy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: ["sts:AssumeRole"],
          principals: [{ type: "Service", identifiers: ["events.amazonaws.com"] }],
          conditions: [{ test: "ArnEquals", variable: "aws:SourceArn", values: [rule.arn] }],
        },
      ],
    }).json,
    inlinePolicies: [
      {
        name: "forward",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [{ actions: ["events:PutEvents"], resources: [targetBusArn] }],
        }).json,
      },
    ],
  });
  new aws.cloudwatch.EventTarget(`${name}Target`, {
    rule: rule.name,
    eventBusName: source,
    arn: targetBusArn,
    roleArn: role.arn,
    deadLetterConfig: { arn: deadLetters.arn },
    retryPolicy: {
      maximumRetryAttempts: DELIVERY_RETRY.attempts,
      maximumEventAgeInSeconds: DELIVERY_RETRY.maxAgeSeconds,
    },
  });
  acceptDeadLetters(`${name}DeadLetters`, deadLetters, [rule.arn]);
  return { deadLetters };
}

/**
 * Lets another account put Video Split's events, and no others, on a bus: in the account that
 * receives them.
 */
export function acceptEvents(name: string, bus: sst.aws.Bus, fromAccount: string): void {
  new aws.cloudwatch.EventBusPolicy(name, {
    eventBusName: bus.name,
    policy: aws.iam.getPolicyDocumentOutput({
      statements: [
        {
          actions: ["events:PutEvents"],
          resources: [bus.arn],
          principals: [{ type: "AWS", identifiers: [fromAccount] }],
          conditions: [{ test: "StringEquals", variable: "events:source", values: [SOURCE] }],
        },
      ],
    }).json,
  });
}
