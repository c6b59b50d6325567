/**
 * State that some code changes and other code waits for: a condition variable. Whoever changes the
 * state calls `notify`; whoever waits gives the predicate that must hold.
 */
export class Condition {
  readonly #waiters = new Set<() => void>();

  /** Call it after each change of what a predicate reads. */
  notify(): void {
    for (const check of this.#waiters) check();
  }

  /**
   * Resolves as soon as `predicate` returns true: it's called at once, then after each `notify`. A
   * predicate may take what it finds, such as a free slot: no other code runs in between. Rejects
   * with what it throws, and with the signal's reason when aborted. Leaves no listener behind.
   */
  async waitFor(predicate: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (predicate()) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (settled: () => void): void => {
        this.#waiters.delete(check);
        signal.removeEventListener("abort", abort);
        settled();
      };
      const abort = (): void => settle(() => reject(signal.reason));
      const check = (): void => {
        try {
          if (predicate()) settle(resolve);
        } catch (error) {
          settle(() => reject(error));
        }
      };
      this.#waiters.add(check);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it's aborted. What becomes
 * of `work` after that is ignored.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
