import type { Context } from "aws-lambda";

/** Left of an invocation when the work is given up, so that it ends in order and with its reason in the log. */
const CLEAN_UP_MS = 5_000;

export type Deadline = { signal: AbortSignal; clear: () => void };

/** Aborts shortly before Lambda would kill the function; `reason` is told how many seconds there were. */
export function deadlineOf(context: Context, reason: (seconds: number) => Error): Deadline {
  const controller = new AbortController();
  const left = Math.max(0, context.getRemainingTimeInMillis() - CLEAN_UP_MS);
  const timer = setTimeout(() => controller.abort(reason(Math.round(left / 1_000))), left);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
