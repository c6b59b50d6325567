import { setTimeout as delay } from "node:timers/promises";
import { SourceFetchError, SourceUnavailableError } from "../video/errors.ts";
import { isTransient } from "./s3-errors.ts";

/** A request that receives no byte for this long is aborted and sent again. */
const MAX_IDLE_MS = 15_000;

/** A fetch that receives no byte for this long, over all its attempts, fails. */
const GIVE_UP_MS = 45_000;

/** A fetch that receives some bytes in each attempt fails after this many. */
const MAX_ATTEMPTS = 20;

/**
 * S3 requires exponential backoff after SlowDown: the first pause, and the maximum.
 */
const BACKOFF_MS = 400;
const MAX_BACKOFF_MS = 8_000;

/**
 * The maximum time without a byte, in one attempt and over all, and the first pause between two
 * attempts; milliseconds.
 */
export type RetrySchedule = { maxIdleMs: number; giveUpMs: number; backoffMs: number };
export const RETRY_SCHEDULE: RetrySchedule = { maxIdleMs: MAX_IDLE_MS, giveUpMs: GIVE_UP_MS, backoffMs: BACKOFF_MS };

/** No byte was received for too long. */
export class StalledError extends Error {
  override name = "StalledError";
}

/** One attempt. It stops when `signal` is aborted, and calls `onProgress` for each chunk. */
export type Attempt<T> = (signal: AbortSignal, onProgress: () => void) => Promise<T>;

async function attemptWithin<T>(
  idleMs: number,
  attempt: Attempt<T>,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<T> {
  const stalling = new AbortController();
  const timer = setTimeout(
    () => stalling.abort(new StalledError(`No byte was received for ${Math.ceil(idleMs) / 1_000} s`)),
    idleMs,
  );
  try {
    return await attempt(AbortSignal.any([signal, stalling.signal]), () => {
      timer.refresh();
      onProgress();
    });
  } catch (error) {
    // The SDK throws an error of its own for a request that was aborted.
    throw stalling.signal.aborted ? stalling.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Doubles with each attempt. Random within the upper half, so that concurrent readers don't retry
 * at the same moment.
 */
const pauseAfter = (attempts: number, firstMs: number): number =>
  Math.max(firstMs, Math.min(MAX_BACKOFF_MS, firstMs * 2 ** (attempts - 1))) * (0.5 + Math.random() / 2);

/**
 * Fetches, and is the only layer that retries: `attempt` sends its commands by `oneAttempt`. `what`
 * names what is fetched. Throws `SourceUnavailableError` where the attempt does, `SourceFetchError`
 * if the source stalls or fails for `giveUpMs` or a retry can't help, and the reason of `signal`
 * when aborted, also during a pause.
 */
export async function fetchWithRetries<T>(
  what: string,
  attempt: Attempt<T>,
  signal: AbortSignal,
  { maxIdleMs, giveUpMs, backoffMs }: RetrySchedule,
): Promise<T> {
  let progressAt = performance.now();
  for (let attempts = 1; ; attempts += 1) {
    const left = giveUpMs - (performance.now() - progressAt);
    try {
      return await attemptWithin(Math.max(1, Math.min(maxIdleMs, left)), attempt, signal, () => {
        progressAt = performance.now();
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SourceUnavailableError) throw error;
      const pause = pauseAfter(attempts, backoffMs);
      const idle = performance.now() - progressAt;
      if (!isTransient(error) || attempts === MAX_ATTEMPTS || idle + pause >= giveUpMs) {
        throw failureOf(what, error, attempts);
      }
      await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function failureOf(what: string, cause: unknown, attempts: number): SourceFetchError {
  const detail = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new SourceFetchError(`${what} couldn't be fetched in ${attempts} attempts (${detail})`, { cause });
}
