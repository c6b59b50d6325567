import type { FunctionError } from "./contract.ts";
import { PayloadTooLargeError } from "./errors.ts";

/** Bytes of an event. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const MAX_EVENT = { Event: 1_048_576, RequestResponse: 6_291_456 } as const;

/** Bytes of a result, as Lambda's own message gives it: 6 MB and 100 bytes. */
const MAX_RESULT = 6_291_556;

/**
 * The event as JSON. Without a payload the handler gets `{}`, as in Lambda. Throws
 * `PayloadTooLargeError`.
 */
export function serialiseEvent(event: unknown, type: keyof typeof MAX_EVENT): string {
  const payload = JSON.stringify(event === undefined ? {} : event);
  const bytes = Buffer.byteLength(payload);
  if (bytes > MAX_EVENT[type])
    throw new PayloadTooLargeError(
      `${bytes} byte payload is too large for the ${type} invocation type (limit ${MAX_EVENT[type]} bytes)`,
    );
  return payload;
}

/** The result of an attempt; `payload` is the handler's result as JSON. */
export type Outcome = { payload: string } | { error: FunctionError };

/** A result, or Lambda's error where it is too large. */
export function resultOf(payload: string): Outcome {
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MAX_RESULT) return { payload };
  return {
    error: {
      errorType: "Function.ResponseSizeTooLarge",
      errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESULT} bytes).`,
    },
  };
}
