import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { FfmpegError, StderrTail } from "./errors.ts";
import { CHILD_ENVIRONMENT } from "./sandbox.ts";

export type FfprobeRun = {
  binary: string;
  args: string[];
  /** Kills the child. */
  signal: AbortSignal;
  /** Replaced in error messages. */
  secret?: string;
  onLine: (line: string) => void;
};

/**
 * Runs ffprobe in the scrubbed environment and hands its stdout over line by line, however long it is.
 * Throws `FfmpegError` for an exit code other than 0, what `onLine` throws, and the signal's reason when aborted.
 * fluent-ffmpeg's own ffprobe() is not used: it collects all output and passes the parent's environment on.
 */
export async function runFfprobe({ binary, args, signal, secret, onLine }: FfprobeRun): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(binary, ["-hide_banner", "-v", "error", ...args], {
    env: CHILD_ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = () => child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  const stderr = new StderrTail(secret);
  createInterface({ input: child.stderr }).on("line", (line) => stderr.add(line));
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  let failure: { reason: unknown } | undefined;
  const hand = (line: string): void => {
    if (failure !== undefined) return;
    try {
      onLine(line);
    } catch (reason) {
      // Thrown on, out of an event's listener, it would end the process.
      failure = { reason };
      kill();
    }
  };
  try {
    const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on("line", hand);
    const exitCode = await closed;
    signal.throwIfAborted();
    if (failure !== undefined) throw failure.reason;
    if (exitCode !== 0) throw new FfmpegError("ffprobe", exitCode, stderr.toString());
  } finally {
    signal.removeEventListener("abort", kill);
    child.kill("SIGKILL");
  }
}
