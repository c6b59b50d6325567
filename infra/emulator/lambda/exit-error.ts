import type { FunctionError } from "./contract.ts";

/**
 * Signals as Go's runtime, in which Lambda is written, names them.
 * https://pkg.go.dev/syscall#Signal.String
 */
const SIGNALS: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

const reason = ({ code, signal }: ProcessExit): string => {
  if (signal !== null) return `with error: signal: ${SIGNALS[signal] ?? signal}`;
  return code === 0 ? "without providing a reason" : `with error: exit status ${code}`;
};

/** Lambda's error when the process ended before the handler did. */
export const exitError = (requestId: string, exit: ProcessExit): FunctionError => ({
  errorType: "Runtime.ExitError",
  errorMessage: `RequestId: ${requestId} Error: Runtime exited ${reason(exit)}`,
});

/** Lambda's error after a timeout. */
export const timeoutError = (requestId: string, seconds: number): FunctionError => ({
  errorType: "Sandbox.Timedout",
  errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`,
});
