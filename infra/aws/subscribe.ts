import { type EventData, type EventType, patternOf } from "#events-schema";
import { DELIVERY_RETRY, FUNCTION_RETRY } from "../topology.ts";
import { existingBus } from "./buses.ts";
import { acceptDeadLetters } from "./dead-letter-queues.ts";
import { deliver } from "./rules.ts";

/**
 * Narrows a subscription: EventBridge matchers for fields of the event's `data`, such as
 * `{ extension: ["mp4"] }`.
 */
type Where<T extends EventType> = { readonly [Field in keyof EventData<T>]?: readonly unknown[] };

export type Subscription<T extends EventType> = {
  /**
   * The video bus: in this app `(await videoSplit()).bus`, in another one the name that a
   * deployment prints as `bus`, such as "video-split-production". If only its name is given, the
   * bus must exist when the app is deployed.
   */
  bus: string | sst.aws.Bus;
  where?: Where<T>;
};

/**
 * The function, whose failures go to the queue: Lambda retries a failed invocation, independently
 * of the rule.
 */
function withFailures(subscriber: string | sst.aws.FunctionArgs, queue: sst.aws.Queue): sst.aws.FunctionArgs {
  const args: sst.aws.FunctionArgs = typeof subscriber === "string" ? { handler: subscriber } : subscriber;
  return {
    retries: FUNCTION_RETRY.attempts,
    ...args,
    permissions: $output(args.permissions).apply((permissions) => [
      ...(permissions ?? []),
      { actions: ["sqs:SendMessage"], resources: [queue.arn] },
    ]),
    transform: {
      eventInvokeConfig: {
        maximumEventAgeInSeconds: FUNCTION_RETRY.maxAgeSeconds,
        destinationConfig: { onFailure: { destination: queue.arn } },
      },
      ...args.transform,
    },
  };
}

/**
 * Subscribes a function to events of Video Split, in this app or in any other of the same account
 * and region:
 *
 *     subscribe("Thumbnails", "SegmentCreated", "src/thumbnails.handler", { bus: "video-split-production" });
 *
 * Events that can't be delivered, and those on which the function fails in each attempt, go to the
 * queue that is returned. `subscriber` is a handler or a function's arguments. Events come at least
 * once and in any order.
 */
export function subscribe<T extends EventType>(
  name: string,
  to: T | readonly [T, ...T[]],
  subscriber: string | sst.aws.FunctionArgs,
  { bus, where }: Subscription<T>,
): { deadLetters: sst.aws.Queue } {
  const types = (typeof to === "string" ? [to] : to) as [T, ...T[]];
  const deadLetters = new sst.aws.Queue(`${name}DeadLetters`);
  const source = typeof bus === "string" ? existingBus(bus) : bus;
  const arn = deliver(name, source, withFailures(subscriber, deadLetters), {
    description: $interpolate`${types.join(", ")} of ${typeof bus === "string" ? bus : bus.name}`,
    pattern: JSON.stringify({ ...patternOf(...types), ...(where && { detail: { data: where } }) }),
    retry: DELIVERY_RETRY,
    deadLetters,
  });
  acceptDeadLetters(`${name}DeadLetters`, deadLetters, [arn]);
  return { deadLetters };
}
