import { ACCOUNT, functionArn, nameOfArn, queueArn, ruleArn } from "../emulator/arns.ts";
import { appendToFile, fileTargetName } from "../emulator/event-files.ts";
import { type LocalEventBridge, openEventBridge, type TargetSpec } from "../emulator/events/index.ts";
import type { InterceptDelivery } from "../emulator/faults/deliveries.ts";
import type { LocalLambda } from "../emulator/lambda/index.ts";
import type { Topology } from "../topology.ts";
import { type DeadLetterQueues, ofDelivery } from "./dead-letter-queues.ts";

const straight: InterceptDelivery = ({ requestId }, deliver) => deliver(requestId);

export type BusesOptions = {
  directory: string;
  region: string;
  /** Targets of rules that are not the topology's: a queue or a log group. */
  queues: string;
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

/**
 * The request id is the delivery's, so that a delivery after a crash of the stack is a retry of the
 * same one.
 */
async function deliverTo(
  { arn }: TargetSpec,
  event: unknown,
  deliveryId: string,
  options: BusesOptions,
): Promise<void> {
  if (arn.startsWith("arn:aws:lambda:")) {
    const target = nameOfArn(arn);
    const { lambda, intercept = straight } = options;
    return intercept({ target, event, requestId: deliveryId }, (requestId) =>
      lambda.invokeAsync(target, event, { requestId }),
    );
  }
  const file = fileTargetName(arn);
  if (file === undefined)
    throw new Error(`The local stack can't deliver to ${arn}: it has functions, queues and log groups`);
  await appendToFile(options.queues, file, event);
}

/** The topology's buses, rules and archive on the local EventBridge. */
export const openBuses = (topology: Topology<string>, options: BusesOptions): Promise<LocalEventBridge> => {
  const { directory, region, deadLetters, ready } = options;
  return openEventBridge({
    directory,
    region,
    account: ACCOUNT,
    buses: Object.values(topology.buses).map(({ name }) => name),
    rules: topology.rules.map(({ name, description, bus, pattern, target, retry, deadLetters: queue }) => ({
      name,
      description,
      bus: topology.buses[bus].name,
      pattern,
      targets: [{ id: target, arn: functionArn(region, target), retry, deadLetterArn: queueArn(region, queue) }],
    })),
    archives: [{ ...topology.archive, bus: topology.buses[topology.archive.bus].name }],
    deliver: async (target, event, delivery) => {
      await ready;
      await deliverTo(target, event, delivery.id, options);
    },
    sendDeadLetter: (arn, deadLetter) =>
      deadLetters.send(nameOfArn(arn), ofDelivery(deadLetter, ruleArn(region, deadLetter.rule))),
  });
};
