import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Store } from "./store.ts";

export const StoreContext = createContext<Store | undefined>(undefined);

/** The page's store. The component is rendered again when it changes. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === undefined) throw new Error("There is no store");
  const [, render] = useState(0);
  useEffect(() => store.subscribe(() => render((count) => count + 1)), [store]);
  return store;
}

/** What a promise gives, again when `keys` change; `error` is a sentence. */
export function useAnswer<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
): { value: T | undefined; error: string | undefined; isLoading: boolean } {
  const [answer, setAnswer] = useState<{ value?: T; error?: string; isLoading: boolean }>({ isLoading: true });
  useEffect(() => {
    const gone = new AbortController();
    setAnswer(({ value }) => ({ ...(value !== undefined && { value }), isLoading: true }));
    ask(gone.signal).then(
      (value) => !gone.signal.aborted && setAnswer({ value, isLoading: false }),
      (error: Error) => !gone.signal.aborted && setAnswer({ error: error.message, isLoading: false }),
    );
    return () => gone.abort();
  }, keys);
  return { value: answer.value, error: answer.error, isLoading: answer.isLoading };
}

/** A value once it has been the same for `delayMs`. */
export function useDelayed<T>(value: T, delayMs: number): T {
  const [delayed, setDelayed] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(value), delayMs);
    return () => clearTimeout(timer);
  }, [value, delayMs]);
  return delayed;
}
