import type { FunctionId, FunctionSpec, QueueId, Topology } from "../topology.ts";

/** The function whose events a dead-letter queue holds. Throws for a queue that nothing uses. */
export function functionOfQueue({ functions, rules, schedules }: Topology<unknown>, queue: QueueId): FunctionId {
  const [failing] = Object.entries(functions).find(([, { failures }]) => failures === queue) ?? [];
  const rule = [...rules, ...schedules].find(({ deadLetters }) => deadLetters === queue);
  const found = (failing as FunctionId | undefined) ?? rule?.target;
  if (found === undefined) throw new Error(`Nothing uses the queue ${queue}`);
  return found;
}

/**
 * A function's environment, with the URL of the queue that it clears, where it clears one. A queue
 * has no URL before it is created, so the topology can't contain it.
 */
export const environmentOf = <Name>(
  { environment, clears }: Pick<FunctionSpec<Name>, "environment" | "clears">,
  urlOf: (queue: QueueId) => Name | string,
): Record<string, Name | string> =>
  clears === undefined ? environment : { ...environment, VIDEO_SPLIT_CLEARED_QUEUE_URL: urlOf(clears) };
