import type { FunctionError } from "../contract.ts";

/** Where the runtime finds the end of its lifeline: closed when the process that started it is gone, however it went. */
export const LIFELINE_FD = 4;

/** Asks an execution environment, which is ready, to run its handler once. */
export type InvokeMessage = {
  requestId: string;
  /** The event as JSON. */
  payload: string;
  /** When the invocation times out, in milliseconds since the epoch. */
  deadlineMs: number;
  functionArn: string;
  traceId: string;
  /** Written to stdout and stderr when the handler is done, so that whoever reads them knows he has it all. */
  endMark: string;
};

/** What the runtime says. After `fatal` the process ends by itself. */
export type RuntimeMessage =
  | { type: "ready" }
  | { type: "result"; payload: string }
  | { type: "error"; error: FunctionError; fatal: boolean };
