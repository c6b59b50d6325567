import type { Topology } from "../topology.ts";
import { ACCOUNT, functionArn, nameOfArn, queueArn } from "./arns.ts";
import type { DeadLetterQueues } from "./dead-letters.ts";
import { appendToFile, fileTargetName } from "./event-files.ts";
import { type LocalEventBridge, openEventBridge, type TargetSpec } from "./events/index.ts";
import type { LocalLambda } from "./lambda/index.ts";

export type BusesOptions = {
  directory: string;
  region: string;
  /** Where events go that a person's own rule sends to a queue or a log group. */
  queues: string;
  lambda: LocalLambda;
  deadLetters: DeadLetterQueues;
  /** Nothing is delivered before: what an earlier run left pending needs the other services too. */
  ready: Promise<void>;
};

/** The request id is the delivery's, so that one which a crash of the stack cut off goes on as its own retry. */
async function deliverTo(
  { arn }: TargetSpec,
  event: unknown,
  deliveryId: string,
  options: BusesOptions,
): Promise<void> {
  if (arn.startsWith("arn:aws:lambda:"))
    return options.lambda.invokeAsync(nameOfArn(arn), event, { requestId: deliveryId });
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
    deadLetter: (arn, { rule, errorCode, errorMessage, attempts, event }) =>
      deadLetters.send(nameOfArn(arn), { level: "delivery", source: rule, errorCode, errorMessage, attempts, event }),
  });
};
