import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import ffmpeg, { type FfmpegCommand } from "fluent-ffmpeg";
import { FfmpegError, StderrTail } from "./errors.ts";
import { CHILD_ENVIRONMENT } from "./sandbox.ts";

export type FfmpegRun = {
  binary: string;
  /** Relative paths, so also the outputs, are below it. */
  directory: string;
  /** Replaced in error messages. */
  secret: string;
  /** Kills ffmpeg. */
  signal: AbortSignal;
  /** Inputs, options and outputs. */
  build: (command: FfmpegCommand) => void;
  /** For each line that ffmpeg writes to `pipe:3`. */
  onReport: (line: string) => void;
};

/** What is replaced in fluent-ffmpeg 2.1.3. It's archived and pinned, so these won't move. */
type Internals = {
  _checkCapabilities: (done: (error?: Error) => void) => void;
  availableEncoders: (done: (error: null, encoders: object) => void) => void;
  _spawnFfmpeg: (args: string[], options: object, started: Started, ended: (error?: Error) => void) => void;
};
type Started = (child: ChildProcess, ...rest: unknown[]) => void;

/** Two more processes before each run, to learn what a failing run tells just as well. */
function skipCapabilityChecks(internals: Internals): void {
  internals._checkCapabilities = (done) => done();
  internals.availableEncoders = (done) => done(null, {});
}

/** fluent-ffmpeg hands the parent's environment on, credentials and all, and opens no pipe beyond stderr. */
function spawnScrubbed(internals: Internals, onStart: (child: ChildProcess) => void): void {
  const original = internals._spawnFfmpeg.bind(internals);
  const scrubbed = { env: CHILD_ENVIRONMENT, stdio: ["ignore", "pipe", "pipe", "pipe"] };
  internals._spawnFfmpeg = (args, options, started, ended) =>
    original(
      args,
      { ...options, ...scrubbed },
      (child, ...rest) => {
        onStart(child);
        started(child, ...rest);
      },
      ended,
    );
}

/**
 * Runs one ffmpeg command to its end in the scrubbed environment, and leaves no process behind however it ends.
 * Throws `FfmpegError` for an exit code other than 0, and the signal's reason when aborted.
 */
export async function runFfmpeg({ binary, directory, secret, signal, build, onReport }: FfmpegRun): Promise<void> {
  signal.throwIfAborted();
  const stderr = new StderrTail(secret);
  let child: ChildProcess | undefined;
  let reported: Promise<unknown> | undefined;

  const command = ffmpeg({ cwd: directory }).setFfmpegPath(binary);
  const internals = command as unknown as Internals;
  skipCapabilityChecks(internals);
  spawnScrubbed(internals, (started) => {
    child = started;
    const report = createInterface({ input: started.stdio[3] as NodeJS.ReadableStream }).on("line", onReport);
    reported = once(report, "close");
  });
  command.on("stderr", (line: string) => stderr.add(line));
  build(command);

  const kill = () => void child?.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      command.once("end", () => resolve());
      command.once("error", reject);
      command.run();
    });
    await reported;
  } catch (error) {
    signal.throwIfAborted();
    throw new FfmpegError("ffmpeg", child?.exitCode ?? null, stderr.toString(), { cause: error });
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
  }
}
