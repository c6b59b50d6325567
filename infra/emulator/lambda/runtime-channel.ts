import type { ChildProcess } from "node:child_process";
import type { ProcessExit } from "./exit-error.ts";
import type { InvokeMessage, RuntimeMessage } from "./runtime/protocol.ts";

/** What ends the wait for the runtime: a message, the end of its process, or a timeout. */
export type Reply = RuntimeMessage | { type: "exited"; exit: ProcessExit } | { type: "timed out" };

/** The messages between an execution environment's process and the emulator. */
export type RuntimeChannel = {
  /** The runtime's first message: it is ready, or the handler can't be loaded. */
  loaded(seconds: number): Promise<Reply>;
  /** Sends an event and waits for the result. */
  ask(message: InvokeMessage, seconds: number): Promise<Reply>;
};

/**
 * `onUnasked` gets messages that no caller waits for: background work of the handler has made the
 * runtime fail.
 */
export function openRuntimeChannel(
  child: ChildProcess,
  ended: Promise<ProcessExit>,
  onUnasked: (message: RuntimeMessage) => void,
): RuntimeChannel {
  const exited = ended.then((exit) => ({ type: "exited", exit }) as const);
  let receive: ((message: RuntimeMessage) => void) | undefined;

  const next = (): Promise<RuntimeMessage> =>
    new Promise((resolve) => {
      receive = resolve;
    });
  child.on("message", (message: RuntimeMessage) => {
    const listener = receive ?? onUnasked;
    receive = undefined;
    listener(message);
  });

  const within = async (message: Promise<RuntimeMessage>, seconds: number): Promise<Reply> => {
    const { promise: timeout, resolve } = Promise.withResolvers<Reply>();
    const timer = setTimeout(resolve, seconds * 1_000, { type: "timed out" });
    try {
      return await Promise.race([message, exited, timeout]);
    } finally {
      clearTimeout(timer);
    }
  };

  const first = next();
  return {
    loaded: (seconds) => within(first, seconds),
    ask: (message, seconds) => {
      const answer = next();
      // If the process can't be written to, it has ended or is ending, which `exited` reports.
      child.send(message, () => {});
      return within(answer, seconds);
    },
  };
}
