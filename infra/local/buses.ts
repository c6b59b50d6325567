import { ACCOUNT, functionArn, nameOfArn, queueArn, ruleArn } from "../emulator/arns.ts";
import { appendToFile, logGroupName } from "../emulator/event-files.ts";
import {
  type LocalEventBridge,
  openEventBridge,
  TargetNotFoundError,
  type TargetSpec,
} from "../emulator/events/index.ts";
import type { InterceptDelivery } from "../emulator/faults/deliveries.ts";
import type { LocalLambda } from "../emulator/lambda/index.ts";
import type { LocalSqs } from "../emulator/sqs/index.ts";
import type { Topology } from "../topology.ts";
import { type Consumer, consumerRules } from "./consumers.ts";
import { type DeadLetterQueues, ofDelivery } from "./dead-letter-queues.ts";

const straight: InterceptDelivery = ({ requestId }, deliver) => deliver(requestId);

export type BusesOptions = {
  /** They get a rule each, besides the topology's. */
  consumers: readonly Consumer[];
  directory: string;
  region: string;
  /** Folder of the log groups that are targets of a user's own rules. */
  queues: string;
  sqs: Pick<LocalSqs, "has" | "send">;
  lambda: LocalLambda;
  deadLetters: DeadLetterQueues;
  /**
   * Deliveries begin when this has resolved, because pending ones of an earlier run need the other
   * services.
   */
  ready: Promise<void>;
  /** Default: each delivery is handed over once, immediately. */
  intercept?: InterceptDelivery | undefined;
};

const known = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));

/**
 * The request id is the delivery's, so that a delivery after a crash of the stack is a retry of the
 * same one. Throws `TargetNotFoundError` for a function or queue that isn't there.
 */
async function deliverTo(
  { arn }: TargetSpec,
  event: unknown,
  deliveryId: string,
  { lambda, sqs, queues, intercept = straight }: BusesOptions,
): Promise<void> {
  const target = nameOfArn(arn);
  if (arn.startsWith("arn:aws:lambda:")) {
    const names = lambda.functions.map(({ name }) => name);
    if (!names.includes(target))
      throw new TargetNotFoundError(`There is no function ${target} on the local stack; there are ${known(names)}`);
    return intercept({ target, event, requestId: deliveryId }, (requestId) =>
      lambda.invokeAsync(target, event, { requestId }),
    );
  }
  if (arn.startsWith("arn:aws:sqs:")) {
    if (!sqs.has(target))
      throw new TargetNotFoundError(
        `There is no queue ${target} on the local stack: create it with "aws sqs create-queue"`,
      );
    return sqs.send(target, { body: JSON.stringify(event), attributes: {} });
  }
  const group = logGroupName(arn);
  if (group === undefined)
    throw new TargetNotFoundError(`The local stack can't deliver to ${arn}: it has functions, queues and log groups`);
  await appendToFile(queues, group, event);
}

/** The topology's buses, rules and archive on the local EventBridge. */
export const openBuses = (topology: Topology<string>, options: BusesOptions): Promise<LocalEventBridge> => {
  const { directory, region, deadLetters, ready } = options;
  return openEventBridge({
    directory,
    region,
    account: ACCOUNT,
    buses: Object.values(topology.buses).map(({ name }) => name),
    rules: [
      ...topology.rules.map(({ name, description, isEnabled, bus, pattern, target, retry, deadLetters: queue }) => ({
        name,
        description,
        isEnabled,
        bus: topology.buses[bus].name,
        pattern,
        targets: [{ id: target, arn: functionArn(region, target), retry, deadLetterArn: queueArn(region, queue) }],
      })),
      ...consumerRules(options.consumers, topology.buses.video.name, region),
    ],
    archives: [{ ...topology.archive, bus: topology.buses[topology.archive.bus].name }],
    deliver: async (target, event, delivery) => {
      await ready;
      await deliverTo(target, event, delivery.id, options);
    },
    sendDeadLetter: async (arn, deadLetter) => {
      const queue = nameOfArn(arn);
      if (!options.sqs.has(queue)) throw new TargetNotFoundError(`There is no dead-letter queue ${queue}`);
      await deadLetters.send(queue, ofDelivery(deadLetter, ruleArn(region, deadLetter.rule)));
    },
  });
};
