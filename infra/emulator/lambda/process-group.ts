import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { ProcessExit } from "./exit-error.ts";
import { hasMembers, signalGroup } from "./group-members.ts";
import { LIFELINE_FD } from "./runtime/protocol.ts";

/** Maximum wait (milliseconds) for pipes to close and processes to end after SIGKILL. */
const SETTLE_MS = 2_000;
const LOOK_AGAIN_MS = 5;

export type ProcessGroup = {
  child: ChildProcess;
  /** Resolves when the group has ended and all that it wrote has been read. */
  ended: Promise<ProcessExit>;
  /** Sends SIGKILL to the whole group. */
  kill(): void;
};

/** Waits until the killed processes have ended, but not for one that hangs in the kernel. */
async function untilGone(group: number): Promise<void> {
  const giveUpAt = Date.now() + SETTLE_MS;
  while (hasMembers(group) && Date.now() < giveUpAt) await delay(LOOK_AGAIN_MS);
}

/**
 * Doesn't wait for a process that left the group and keeps the pipes open, because it can't be
 * found.
 */
async function untilClosed(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([closed, delay(SETTLE_MS, undefined, { signal: waiting.signal })]);
  waiting.abort();
  for (const stream of child.stdio) stream?.destroy();
}

/**
 * Starts Node as the leader of its own process group, which is killed with it, so that no ffmpeg
 * outlives its handler. It has a channel for messages, and the lifeline by which it notices that
 * this process has ended. Rejects when it can't be started.
 */
export async function startProcessGroup(
  args: string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<ProcessGroup> {
  const stdio = ["ignore", "pipe", "pipe", "ipc"] as const;
  const child = spawn(process.execPath, args, {
    ...options,
    detached: true,
    stdio: [...stdio, ...Array<"pipe">(LIFELINE_FD + 1 - stdio.length).fill("pipe")],
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const { promise: ended, resolve: end } = Promise.withResolvers<ProcessExit>();
  let pid = child.pid;
  child.once("exit", async (code, signal) => {
    const group = pid;
    // From now on the system may reuse the process id.
    pid = undefined;
    if (group !== undefined && signalGroup(group, "SIGKILL")) await untilGone(group);
    await untilClosed(child, closed);
    end({ code, signal });
  });
  await once(child, "spawn");
  return {
    child,
    ended,
    kill: () => {
      if (pid !== undefined) signalGroup(pid, "SIGKILL");
    },
  };
}
