import type { LambdaContext } from "#events-schema";

/**
 * Time that is left when an invocation's work is aborted, so that it can clean up and log the
 * reason.
 */
const CLEAN_UP_MS = 5_000;

export type Deadline = {
  signal: AbortSignal;
  /** Until `signal` is aborted. */
  secondsLeft: () => number;
  clear: () => void;
};

/**
 * Aborts shortly before Lambda would kill the function. `reason` is called with the number of
 * seconds that the work had.
 */
export function deadlineOf(
  context: Pick<LambdaContext, "getRemainingTimeInMillis">,
  reason: (seconds: number) => Error,
): Deadline {
  const controller = new AbortController();
  const millisecondsLeft = () => Math.max(0, context.getRemainingTimeInMillis() - CLEAN_UP_MS);
  const left = millisecondsLeft();
  const timer = setTimeout(() => controller.abort(reason(Math.round(left / 1_000))), left);
  return {
    signal: controller.signal,
    secondsLeft: () => millisecondsLeft() / 1_000,
    clear: () => clearTimeout(timer),
  };
}
