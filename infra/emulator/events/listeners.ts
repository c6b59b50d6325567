import type { BusEvent, DeadLetter, Delivery, TargetSpec } from "./types.ts";

export type Listeners = {
  event: Set<(bus: string, event: BusEvent) => void>;
  delivered: Set<(target: TargetSpec, delivery: Delivery) => void>;
  deadLetter: Set<(arn: string | undefined, deadLetter: DeadLetter) => void>;
};

/** Adds a listener, also one that was added before. Returns a function that removes it. */
export function subscribe<Arguments extends unknown[]>(
  listeners: Set<(...given: Arguments) => void>,
  listener: (...given: Arguments) => void,
): () => void {
  const own = (...given: Arguments) => listener(...given);
  listeners.add(own);
  return () => void listeners.delete(own);
}
