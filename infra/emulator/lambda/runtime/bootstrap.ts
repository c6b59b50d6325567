import { Worker } from "node:worker_threads";
import { contextOf } from "./context.ts";
import { functionError, RuntimeError } from "./function-error.ts";
import { type Handler, loadHandler } from "./handler.ts";
import type { InvokeMessage, RuntimeMessage } from "./protocol.ts";

/**
 * What runs inside an execution environment: loads the handler, then runs it for one event after
 * another. It behaves as Lambda's own client does.
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */

/** Exit codes of Lambda's client. */
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

// Saved before the handler's code can replace them.
const send = process.send?.bind(process);
const { channel } = process;
const writeOut = process.stdout.write.bind(process.stdout);
const writeErr = process.stderr.write.bind(process.stderr);
if (send === undefined || channel === undefined || channel === null) throw new Error("Not started by the local Lambda");

/**
 * Writes the log synchronously, as Lambda does: so lines from just before an exit aren't lost,
 * which Node doesn't guarantee with pipes.
 */
function blockOn(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(blocking: boolean): void } };
  handle?.setBlocking?.(true);
}
blockOn(process.stdout);
blockOn(process.stderr);

const say = (message: RuntimeMessage, then: () => void = () => {}): void => void send(message, then);

const die = (exitCode: number) => (error: unknown) =>
  say({ type: "error", error: functionError(error), fatal: true }, () => process.exit(exitCode));

process.on("uncaughtException", die(EXIT_UNCAUGHT_EXCEPTION));
process.on("unhandledRejection", (reason) =>
  die(EXIT_UNHANDLED_REJECTION)(
    new RuntimeError("UnhandledPromiseRejection", String(reason), reason instanceof Error ? { cause: reason } : {}),
  ),
);

new Worker(new URL("./lifeline.mjs", import.meta.url)).unref();

function serialise(result: unknown): string {
  try {
    return JSON.stringify(result) ?? "null";
  } catch (cause) {
    throw new RuntimeError("JSONStringifyError", "Unable to stringify response body", { cause });
  }
}

async function outcomeOf(handler: Handler, message: InvokeMessage): Promise<RuntimeMessage> {
  try {
    const result = await handler(JSON.parse(message.payload), contextOf(message));
    return { type: "result", payload: serialise(result) };
  } catch (error) {
    return { type: "error", error: functionError(error), fatal: false };
  }
}

const neverSettled: RuntimeMessage = {
  type: "error",
  error: functionError(
    new RuntimeError("NodeJsExit", "The handler waits for a promise that is never settled: nothing is left to run"),
  ),
  fatal: false,
};

async function invoke(handler: Handler, message: InvokeMessage): Promise<void> {
  const { promise: emptied, resolve: onEmptied } = Promise.withResolvers<void>();
  process.env._X_AMZN_TRACE_ID = message.traceId;
  // The handler waits for nothing any more and hasn't returned, so it has failed.
  channel?.unref();
  process.once("beforeExit", onEmptied);
  const outcome = await Promise.race([outcomeOf(handler, message), emptied.then(() => neverSettled)]);
  process.off("beforeExit", onEmptied);
  channel?.ref();
  writeOut(`${message.endMark}\n`);
  writeErr(`${message.endMark}\n`);
  say(outcome);
}

const [file = "", exportName = ""] = process.argv.slice(2);
try {
  const handler = await loadHandler(file, exportName);
  process.on("message", (message: InvokeMessage) => void invoke(handler, message));
  say({ type: "ready" });
} catch (error) {
  die(EXIT_UNCAUGHT_EXCEPTION)(error);
}
