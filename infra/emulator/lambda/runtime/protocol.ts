import type { FunctionError } from "../contract.ts";

/**
 * Where the runtime finds the end of its lifeline: closed when the process that started it has
 * ended, for any reason.
 */
export const LIFELINE_FD = 4;

/** Requests that a ready execution environment runs its handler once. */
export type InvokeMessage = {
  requestId: string;
  /** The event as JSON. */
  payload: string;
  /** When the invocation times out, in milliseconds since the epoch. */
  deadlineMs: number;
  functionArn: string;
  traceId: string;
  /**
   * Written to stdout and stderr when the handler is done, so that a reader knows that it has read
   * everything.
   */
  endMark: string;
};

/** Messages of the runtime. After `fatal` the process ends by itself. */
export type RuntimeMessage =
  | { type: "ready" }
  | { type: "result"; payload: string }
  | { type: "error"; error: FunctionError; fatal: boolean };
