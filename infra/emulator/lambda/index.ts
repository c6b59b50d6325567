import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import pLimit, { type LimitFunction } from "p-limit";
import { invokeAsynchronously } from "./asynchronous.ts";
import { bundleRuntime } from "./bundle-runtime.ts";
import { openCode } from "./code.ts";
import type { LambdaOptions, LocalFunction, LocalLambda } from "./contract.ts";
import { FunctionNotFoundError, LambdaClosedError } from "./errors.ts";
import type { Invocation } from "./execution-environment.ts";
import { type FunctionPool, openPool } from "./function-pool.ts";
import { type Outcome, serialiseEvent } from "./payload.ts";
import { openWorkFolder } from "./work-folder.ts";

export type {
  Bundle,
  Bundler,
  FailedInvocation,
  FunctionError,
  LambdaOptions,
  LocalFunction,
  LocalLambda,
  LogLine,
} from "./contract.ts";
export {
  BundleError,
  FailureDestinationError,
  FunctionNotFoundError,
  LambdaClosedError,
  PayloadTooLargeError,
} from "./errors.ts";

export { traceOf } from "./variables.ts";

/** Lambda keeps environments for some minutes; on a laptop others need their memory sooner. */
const RETIRE_AFTER_MS = 30_000;

type Deployed = { spec: LocalFunction; pool: FunctionPool; turns: LimitFunction };

async function deploy(
  spec: LocalFunction,
  folder: string,
  runtimeFile: string,
  options: LambdaOptions,
): Promise<Deployed> {
  const { root, region, watch, onLog, bundle } = options;
  const directory = join(folder, spec.name);
  await mkdir(directory);
  const code = await openCode({
    handler: spec.handler,
    bundle,
    root,
    directory,
    watch,
    onBuildError: ({ message }) =>
      onLog({ functionName: spec.name, text: `ERROR\t${message}\nThe function continues with the previous code.` }),
  });
  const pool = openPool(code, { spec, runtimeFile, directory, region, onLog, retireAfterMs: RETIRE_AFTER_MS });
  return { spec, pool, turns: pLimit(spec.concurrency) };
}

/**
 * Bundles the functions and runs them as Lambda would: a clean environment in a process of its own,
 * the timeout, the concurrency, retries of asynchronous invocations. Rejects with `BundleError`.
 */
export async function openLambda(options: LambdaOptions): Promise<LocalLambda> {
  const folder = await openWorkFolder(options.directory);
  const deployed = await deployAll(folder, options).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const closing = new AbortController();
  const pending = new Set<Promise<unknown>>();

  const track = <T>(work: Promise<T>): Promise<T> => {
    pending.add(work);
    const done = () => void pending.delete(work);
    work.then(done, done);
    return work;
  };

  const functionOf = (name: string): Deployed => {
    const found = deployed.get(name);
    if (found === undefined)
      throw new FunctionNotFoundError(`No function "${name}"; there are ${[...deployed.keys()].join(", ")}`);
    return found;
  };

  const runWhenFree = ({ pool, turns }: Deployed, invocation: Invocation, isExpired = () => false) =>
    turns(async (): Promise<Outcome | "expired"> => {
      if (closing.signal.aborted) throw new LambdaClosedError(`Closed before invocation ${invocation.requestId} began`);
      return isExpired() ? "expired" : pool.run(invocation);
    });

  const asynchronously = async (name: string, event: unknown, requestId: string): Promise<void> => {
    const target = functionOf(name);
    const invocation = { requestId, payload: serialiseEvent(event, "Event") };
    await invokeAsynchronously(target.spec, event, invocation, {
      runWhenFree: (each, isExpired) => runWhenFree(target, each, isExpired),
      retryDelayMs: options.retryDelayMs,
      onFailure: options.onFailure,
      log: (id, text) => options.onLog({ functionName: name, requestId: id, text }),
      closing: closing.signal,
    });
  };

  const synchronously: LocalLambda["invoke"] = async (name, event, { requestId = randomUUID() } = {}) => {
    const target = functionOf(name);
    const payload = serialiseEvent(event, "RequestResponse");
    const outcome = await runWhenFree(target, { requestId, payload });
    if (outcome === "expired") throw new Error("A synchronous invocation doesn't expire");
    return "error" in outcome ? { error: outcome.error } : { result: JSON.parse(outcome.payload) };
  };

  return {
    functions: options.functions,
    invokeAsync: (name, event, { requestId }) => track(asynchronously(name, event, requestId)),
    invoke: (name, event, invocation) => track(synchronously(name, event, invocation)),
    idle: async () => {
      while (pending.size > 0) await Promise.allSettled(pending);
    },
    close: async () => {
      closing.abort();
      await Promise.all([...deployed.values()].map(({ pool }) => pool.close()));
      await Promise.allSettled(pending);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function deployAll(folder: string, options: LambdaOptions): Promise<Map<string, Deployed>> {
  const runtimeFile = await bundleRuntime(join(folder, "runtime"));
  const all = await Promise.all(options.functions.map((spec) => deploy(spec, folder, runtimeFile, options)));
  return new Map(all.map((each) => [each.spec.name, each]));
}
