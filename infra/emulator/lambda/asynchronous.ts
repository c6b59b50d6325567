import { setTimeout as delay } from "node:timers/promises";
import type { FailedInvocation, FunctionError, LocalFunction } from "./contract.ts";
import { FailureDestinationError, LambdaClosedError } from "./errors.ts";
import type { Invocation } from "./execution-environment.ts";
import type { Outcome } from "./payload.ts";

/** Dependencies of an asynchronous invocation. */
export type AsynchronousOptions = {
  /** Waits for free concurrency, then runs the handler, unless `isExpired` returns true. */
  runWhenFree(invocation: Invocation, isExpired: () => boolean): Promise<Outcome | "expired">;
  retryDelayMs(attempt: number): number;
  onFailure(failed: FailedInvocation): Promise<void>;
  log(requestId: string, text: string): void;
  /** Aborted when the local Lambda is closed. */
  closing: AbortSignal;
};

/** Maximum number of attempts to send an event to its on-failure destination. */
const DESTINATION_ATTEMPTS = 3;

async function pause(ms: number, closing: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: closing });
  } catch (cause) {
    throw new LambdaClosedError("Closed while an event was waiting for its retry", { cause });
  }
}

type GivenUp = { attempts: number; condition: FailedInvocation["condition"]; error: FunctionError };

/**
 * Runs the function until it succeeds: undefined then, otherwise why there is no further attempt.
 */
async function attempt(
  { retry }: LocalFunction,
  invocation: Invocation,
  options: AsynchronousOptions,
): Promise<GivenUp | undefined> {
  const acceptedAtMs = Date.now();
  const isTooOldIn = (ms: number) => Date.now() + ms - acceptedAtMs > retry.maxAgeSeconds * 1_000;
  let error: FunctionError = {
    errorType: "EventAgeExceeded",
    errorMessage: `The event waited for more than ${retry.maxAgeSeconds} seconds and was never sent to the function`,
  };
  for (let attempts = 0; ; ) {
    const outcome = await options.runWhenFree(invocation, () => isTooOldIn(0));
    if (outcome === "expired") return { attempts, condition: "EventAgeExceeded", error };
    if (!("error" in outcome)) return undefined;
    ({ error } = outcome);
    attempts += 1;
    if (attempts > retry.attempts) return { attempts, condition: "RetriesExhausted", error };
    const delayMs = options.retryDelayMs(attempts);
    if (isTooOldIn(delayMs)) return { attempts, condition: "EventAgeExceeded", error };
    await pause(delayMs, options.closing);
  }
}

async function handOver(failed: FailedInvocation, options: AsynchronousOptions): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await options.onFailure(failed);
    } catch (cause) {
      const message = `${failed.functionName} failed, and its on-failure destination did not accept the event: ${cause}`;
      options.log(failed.requestId, `ERROR\t${message}`);
      if (attempts === DESTINATION_ATTEMPTS) throw new FailureDestinationError(message, { cause });
      await pause(options.retryDelayMs(attempts), options.closing);
    }
  }
}

/**
 * Runs a function asynchronously for an event: again after a failure, with the same request id.
 * After the last failure the event goes to `onFailure`.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html Rejects with
 * `LambdaClosedError` and `FailureDestinationError`.
 */
export async function invokeAsynchronously(
  spec: LocalFunction,
  event: unknown,
  invocation: Invocation,
  options: AsynchronousOptions,
): Promise<void> {
  const givenUp = await attempt(spec, invocation, options);
  if (givenUp === undefined) return;
  const { error, ...rest } = givenUp;
  const { errorType, errorMessage, trace } = error;
  const failed: FailedInvocation = {
    ...rest,
    functionName: spec.name,
    requestId: invocation.requestId,
    event,
    error: { errorType, errorMessage, ...(trace !== undefined && { stackTrace: trace }) },
  };
  await handOver(failed, options);
}
