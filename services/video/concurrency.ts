/**
 * Works on all items, `limit` at a time, and returns the results in the items' order. Where one
 * fails or `signal` is aborted, the signal that `work` gets is aborted and no other item is
 * started. Settles when all work has ended. Throws the first failure, or the reason of `signal`.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const failing = new AbortController();
  const ending = signal === undefined ? failing.signal : AbortSignal.any([signal, failing.signal]);
  const results: R[] = [];
  const left = items.entries();
  const workThroughItems = async (): Promise<void> => {
    // All take from one iterator.
    for (const [index, item] of left) {
      if (ending.aborted) return;
      results[index] = await work(item, ending);
    }
  };
  const turns = Array.from({ length: Math.min(limit, items.length) }, () =>
    workThroughItems().catch((error: unknown) => failing.abort(error)),
  );
  await Promise.all(turns);
  ending.throwIfAborted();
  return results;
}
