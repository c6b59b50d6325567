/** A function as the local Lambda runs it. */
export type LocalFunction = {
  name: string;
  /**
   * File without extension, a dot and the export, from the project's root:
   * `services/split/handler.handler`.
   */
  handler: string;
  timeoutSeconds: number;
  /**
   * Bounds the heap of Node, as in Lambda; not the memory of the processes that the handler starts.
   */
  memoryMB: number;
  /** Maximum number of concurrent invocations; the others wait. */
  concurrency: number;
  /**
   * Of an asynchronous invocation: attempts after the first one, and the maximum age of an event in
   * seconds.
   */
  retry: { attempts: number; maxAgeSeconds: number };
  environment: Record<string, string>;
};

/** A handler that was bundled into one module. */
export type Bundle = {
  /** The module, `bundle.mjs`; its source map is beside it. */
  file: string;
  /** The handler's name in it. */
  exportName: string;
  /** Changes with the module or its source map. */
  hash: string;
  /** Absolute paths of the sources that it was made from, without packages. */
  sources: string[];
  /** Bytes of the module by the package that they come from; "own" for the sources. */
  packages: Record<string, number>;
};

/** Bundles a handler into one module in `directory`, which is created. Throws `BundleError`. */
export type Bundler = (handler: string, options: { root: string; directory: string }) => Promise<Bundle>;

/**
 * What Lambda answers when a function fails.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
 */
export type FunctionError = {
  /**
   * The error's name, or one of Lambda's own such as `Sandbox.Timedout` and `Runtime.ExitError`.
   */
  errorType: string;
  errorMessage: string;
  /** Lines of the stack, where there is one. */
  trace?: string[];
};

/**
 * What an on-failure destination receives for an event whose attempts all failed.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export type FailedInvocation = {
  functionName: string;
  requestId: string;
  event: unknown;
  /** Number of attempts: 0 for an event that became too old in the queue. */
  attempts: number;
  condition: "RetriesExhausted" | "EventAgeExceeded";
  error: { errorType: string; errorMessage: string; stackTrace?: string[] };
};

/**
 * A line that a function or the platform wrote. `requestId` is missing outside of an invocation.
 */
export type LogLine = { functionName: string; requestId?: string; text: string };

export type LocalLambda = {
  /** What it runs. */
  readonly functions: readonly LocalFunction[];
  /**
   * Asynchronous invocation. Resolves when it has ended: the handler returned, or every retry
   * failed and `onFailure` accepted the event. All attempts carry the same request id. Rejects with
   * `LambdaClosedError` when closed before that, with `FailureDestinationError` when `onFailure`
   * doesn't accept the event, and before anything runs with `FunctionNotFoundError` or
   * `PayloadTooLargeError`. Rejects with the system's error where no process can be started.
   */
  invokeAsync(functionName: string, event: unknown, options: { requestId: string }): Promise<void>;
  /**
   * Synchronous invocation, never retried. While the function is at its concurrency it waits, where
   * Lambda would throttle and a client try again. Rejects with `FunctionNotFoundError`,
   * `PayloadTooLargeError` or `LambdaClosedError`.
   */
  invoke(
    functionName: string,
    event: unknown,
    options?: { requestId?: string },
  ): Promise<{ result: unknown } | { error: FunctionError }>;
  /** Resolves when no invocation is running, queued or waiting for its retry. */
  idle(): Promise<void>;
  /**
   * Kills every execution environment with all its processes, waits until they have ended and
   * removes their folders.
   */
  close(): Promise<void>;
};

export type LambdaOptions = {
  functions: LocalFunction[];
  bundle: Bundler;
  /** The project's root, where handlers and packages are found. */
  root: string;
  /** Bundles and the folders for /tmp are below it; what a killed process left there is removed. */
  directory: string;
  region: string;
  /**
   * How long to wait after the failed attempt of this number, counted from 1. AWS: 1 minute, then
   * 2.
   */
  retryDelayMs(attempt: number): number;
  onLog(line: LogLine): void;
  /** Accepts the events whose attempts all failed. When it throws it is called again. */
  onFailure(failed: FailedInvocation): Promise<void>;
  /** Whether an invocation after a change of the sources runs on a new bundle. */
  watch: boolean;
};
