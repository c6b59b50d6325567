/**
 * A condition variable: some code changes state and calls `notify`; other code waits until a
 * predicate of that state is true.
 */
export class Condition {
  readonly #waiters = new Set<() => void>();

  /** Call it after each change of state that a predicate reads. */
  notify(): void {
    for (const check of this.#waiters) check();
  }

  /**
   * Resolves as soon as `predicate` returns true. It's called immediately, then after each
   * `notify`. A predicate may also change state, such as taking a free slot: no other code runs in
   * between. Rejects with what it throws, and with the signal's reason. Leaves no listener behind.
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
 * Settles as `work` does, or rejects with the signal's reason as soon as it's aborted; the result
 * of `work` is then ignored.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
