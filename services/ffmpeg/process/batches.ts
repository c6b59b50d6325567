import { setImmediate } from "node:timers/promises";

/** Items passed on before other tasks, such as a deadline's timer, get to run. */
const ITEMS_PER_BATCH = 2 ** 15;

/** Calls `onItem` with each. Throws the signal's reason. */
export async function forEachInBatches<T>(
  all: Iterable<T>,
  onItem: (item: T) => void,
  signal: AbortSignal,
): Promise<void> {
  let count = 0;
  for (const one of all) {
    onItem(one);
    count += 1;
    if (count % ITEMS_PER_BATCH !== 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
}
