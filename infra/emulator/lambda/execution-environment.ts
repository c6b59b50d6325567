import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { functionArn } from "../arns.ts";
import type { CodeVersion } from "./code.ts";
import type { FunctionError, LocalFunction, LogLine } from "./contract.ts";
import { exitError, timeoutError } from "./exit-error.ts";
import { readLogLines } from "./log-lines.ts";
import { type Outcome, resultOf } from "./payload.ts";
import { startProcessGroup } from "./process-group.ts";
import { openRuntimeChannel, type Reply } from "./runtime-channel.ts";
import { nodeFlags, traceHeader, variablesOf } from "./variables.ts";

/** `payload` is the event as JSON. */
export type Invocation = { requestId: string; payload: string };

/** A process that runs one function for one event at a time. */
export type ExecutionEnvironment = {
  version: CodeVersion;
  /** Never rejects. If the environment fails, all its processes have ended before this resolves. */
  invoke(invocation: Invocation): Promise<Outcome>;
  isAlive(): boolean;
  /** Resolves when the processes have ended and the temporary folder is removed. */
  ended: Promise<void>;
  kill(): Promise<void>;
};

export type EnvironmentOptions = {
  spec: LocalFunction;
  version: CodeVersion;
  /** The module that runs handlers, from `bundleRuntime`. */
  runtimeFile: string;
  /** Where the environment's own temporary folder is made. */
  directory: string;
  region: string;
  onLog(line: LogLine): void;
};

/**
 * Seconds for loading the handler, or the function's timeout if that is longer: Lambda stops after
 * 10 and then tries once more within the invocation.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
const INIT_SECONDS = 10;

/** Why the environment can't be used again; undefined if the handler returned or threw. */
function breakdown(reply: Reply, requestId: string, seconds: number): FunctionError | undefined {
  if (reply.type === "timed out") return timeoutError(requestId, seconds);
  if (reply.type === "exited") return exitError(requestId, reply.exit);
  return reply.type === "error" && reply.fatal ? reply.error : undefined;
}

/**
 * Makes a temporary folder and starts Node with it. If no process can be started, it rejects and
 * removes the folder.
 */
async function startNode({ spec, version, region, runtimeFile, directory }: EnvironmentOptions) {
  const { file, exportName } = version.bundle;
  const taskRoot = dirname(file);
  const temporaryFolder = await mkdtemp(join(directory, "tmp-"));
  const removeFolder = () => rm(temporaryFolder, { recursive: true, force: true, maxRetries: 5 });
  const env = variablesOf(spec, { region, taskRoot, handler: `bundle.${exportName}`, temporaryFolder });
  const args = [...nodeFlags(spec.memoryMB), runtimeFile, file, exportName];
  try {
    return { group: await startProcessGroup(args, { cwd: taskRoot, env }), removeFolder };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

/** Starts a process, which begins to load the handler. Rejects when no process can be started. */
export async function startEnvironment(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
  const { spec, version, region } = options;
  const { group, removeFolder } = await startNode(options);
  const { child } = group;

  let alive = true;
  const ended = group.ended.then(removeFolder);
  child.once("exit", () => {
    alive = false;
  });
  const kill = () => {
    alive = false;
    group.kill();
    return ended;
  };

  let requestId: string | undefined;
  const log = (text: string) =>
    options.onLog({ functionName: spec.name, ...(requestId !== undefined && { requestId }), text });
  const logError = (error: FunctionError) => log(`ERROR\tInvoke Error\t${JSON.stringify(error)}`);
  const streams = [child.stdout, child.stderr].flatMap((stream) =>
    stream === null ? [] : [readLogLines(stream, log)],
  );
  const runtime = openRuntimeChannel(child, group.ended, (message) => {
    if (message.type === "error") logError(message.error);
  });

  const run = async (invocation: Invocation): Promise<Outcome> => {
    const breakWith = async (error: FunctionError): Promise<Outcome> => {
      await kill();
      return { error };
    };
    const initSeconds = Math.max(INIT_SECONDS, spec.timeoutSeconds);
    const unloaded = breakdown(await runtime.loaded(initSeconds), invocation.requestId, initSeconds);
    if (unloaded !== undefined) return breakWith(unloaded);

    const endMark = randomUUID();
    const logged = Promise.all(streams.map((lines) => lines.until(endMark)));
    const message = {
      ...invocation,
      endMark,
      deadlineMs: Date.now() + spec.timeoutSeconds * 1_000,
      functionArn: functionArn(region, spec.name),
      traceId: traceHeader(invocation.requestId),
    };
    const reply = await runtime.ask(message, spec.timeoutSeconds);
    const broken = breakdown(reply, invocation.requestId, spec.timeoutSeconds);
    if (broken !== undefined) return breakWith(broken);
    await Promise.race([logged, ended]);
    if (reply.type === "result") return resultOf(reply.payload);
    if (reply.type === "error") return { error: reply.error };
    throw new Error(`The runtime answered an event with "${reply.type}"`);
  };

  return {
    version,
    ended,
    kill,
    isAlive: () => alive,
    invoke: async (invocation) => {
      ({ requestId } = invocation);
      const outcome = await run(invocation);
      if ("error" in outcome) logError(outcome.error);
      requestId = undefined;
      return outcome;
    },
  };
}
