import { setTimeout as delay } from "node:timers/promises";
import { SourceFetchError, SourceUnavailableError } from "../video/errors.ts";
import { isTransient } from "./s3-errors.ts";

/** A request that brings no byte for so long is aborted, and sent again. */
const MAX_IDLE_MS = 15_000;

/** A fetch that gets no further for so long, over all its attempts, is given up. */
const GIVE_UP_MS = 45_000;

/** A fetch that gets a little further each time, and breaks off, is given up too. */
const MAX_ATTEMPTS = 20;

/**
 * S3 asks for exponential backoff when it answers SlowDown: the first pause, and the longest one.
 */
const BACKOFF_MS = 400;
const MAX_BACKOFF_MS = 8_000;

/**
 * How long a source may keep its reader waiting, and the first pause between two attempts;
 * milliseconds.
 */
export type RetrySchedule = { maxIdleMs: number; giveUpMs: number; backoffMs: number };
export const RETRY_SCHEDULE: RetrySchedule = { maxIdleMs: MAX_IDLE_MS, giveUpMs: GIVE_UP_MS, backoffMs: BACKOFF_MS };

/** No byte came for too long. */
export class StalledError extends Error {
  override name = "StalledError";
}

/** One attempt. It stops when `signal` is aborted, and calls `onProgress` for whatever comes. */
export type Attempt<T> = (signal: AbortSignal, onProgress: () => void) => Promise<T>;

async function attemptWithin<T>(
  idleMs: number,
  attempt: Attempt<T>,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<T> {
  const stalling = new AbortController();
  const timer = setTimeout(
    () => stalling.abort(new StalledError(`No byte came for ${Math.ceil(idleMs) / 1_000} s`)),
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
 * Doubles with each attempt, and is drawn from the upper half, so that readers who failed together
 * don't return together.
 */
const pauseAfter = (attempts: number, firstMs: number): number =>
  Math.max(firstMs, Math.min(MAX_BACKOFF_MS, firstMs * 2 ** (attempts - 1))) * (0.5 + Math.random() / 2);

/**
 * Fetches, and is the only layer that retries: `attempt` sends its commands by `oneAttempt`.
 * `what` names what is fetched. Throws `SourceUnavailableError` where the attempt does,
 * `SourceFetchError` where the source stalls or fails for `giveUpMs` or in a way that no retry
 * changes, and the reason of `signal` when aborted, also in a pause.
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
