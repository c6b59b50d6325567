import type { FinalizeHandler, FinalizeRequestMiddleware, MiddlewareStack } from "@smithy/types";

type Command<Input extends object, Output extends object> = { middlewareStack: MiddlewareStack<Input, Output> };

/** Has the name and position of the SDK's own middleware, which it replaces for one command. */
const RETRY_MIDDLEWARE = {
  name: "retryMiddleware",
  step: "finalizeRequest",
  priority: "high",
  override: true,
} as const;

/**
 * A command that the SDK sends once, whatever `maxAttempts` its client has: for callers that retry
 * by themselves, so that the attempts of two layers don't multiply.
 */
export function oneAttempt<Input extends object, Output extends object, C extends Command<Input, Output>>(
  command: C & Command<Input, Output>,
): C {
  const sendOnce: FinalizeRequestMiddleware<Input, Output> = (next: FinalizeHandler<Input, Output>) => next;
  command.middlewareStack.add(sendOnce, RETRY_MIDDLEWARE);
  return command;
}
