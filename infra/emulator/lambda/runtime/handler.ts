import { pathToFileURL } from "node:url";
import type { LambdaContext } from "./context.ts";
import { RuntimeError } from "./function-error.ts";

export type Handler = (event: unknown, context: LambdaContext) => unknown;

const isMissingModule = (error: Error): boolean =>
  "code" in error && (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND");

async function importModule(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError("UserCodeSyntaxError", String(error), { cause: error });
    if (error instanceof Error && isMissingModule(error))
      throw new RuntimeError("ImportModuleError", String(error), { cause: error });
    throw error;
  }
}

/**
 * Loads a handler as nodejs24.x does. Throws `Runtime.ImportModuleError`,
 * `Runtime.UserCodeSyntaxError`, `Runtime.HandlerNotFound`, what the module itself throws, and
 * `Runtime.CallbackHandlerDeprecated` for a handler with a third parameter: Lambda checks only the
 * number, and refuses such a function even where it is async.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
 */
export async function loadHandler(file: string, exportName: string): Promise<Handler> {
  const found = (await importModule(file))[exportName];
  const name = process.env._HANDLER;
  if (found === undefined) throw new RuntimeError("HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof found !== "function") throw new RuntimeError("HandlerNotFound", `${name} is not a function`);
  if (found.length > 2)
    throw new RuntimeError(
      "CallbackHandlerDeprecated",
      `${name} takes a callback: AWS Lambda has removed callback-based function handlers starting with Node.js 24`,
    );
  return found as Handler;
}
