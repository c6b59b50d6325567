import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import ffmpeg, { type FfmpegCommand } from "fluent-ffmpeg";
import { FfmpegError, StderrTail } from "./errors.ts";
import { CHILD_ENVIRONMENT } from "./sandbox.ts";

/** The ends of a running ffmpeg's pipes that are ours. */
export type Pipes = {
  /** What ffmpeg reads as `pipe:0`; absent unless asked for. */
  input: Writable | undefined;
  /** What it writes to `pipe:3` and up. */
  outputs: Readable[];
};

export type FfmpegRun = {
  binary: string;
  /** Relative paths, so also the outputs, are below it. */
  directory: string;
  /** Replaced in error messages. */
  secret?: string;
  /** Kills ffmpeg. */
  signal: AbortSignal;
  /** Inputs, options and outputs. */
  build: (command: FfmpegCommand) => void;
  /** Whether it reads `pipe:0`. Default: no. */
  stdin?: boolean;
  /** How many pipes it writes to, from `pipe:3` on. Default: none. */
  outputs?: number;
  /** Feeds and empties the pipes while ffmpeg runs. When it rejects, ffmpeg is killed and its error is thrown. */
  attend?: (pipes: Pipes) => Promise<void>;
  /** For each line that ffmpeg writes to stderr. */
  onStderr?: (line: string) => void;
};

/** What is replaced in fluent-ffmpeg 2.1.3. It's archived and pinned, so these won't move. */
type Internals = {
  _checkCapabilities: (done: (error?: Error) => void) => void;
  availableEncoders: (done: (error: null, encoders: object) => void) => void;
  _spawnFfmpeg: (args: string[], options: object, started: Started, ended: Ended) => void;
};
type Ring = { get: () => string };
type Ended = (error?: Error, stdout?: Ring, stderr?: Ring) => void;
type Started = (child: ChildProcess, ...rest: unknown[]) => void;

/** Two more processes before each run, to learn what a failing run tells just as well. */
function skipCapabilityChecks(internals: Internals): void {
  internals._checkCapabilities = (done) => done();
  internals.availableEncoders = (done) => done(null, {});
}

const EMPTY: Ring = { get: () => "" };

/**
 * fluent-ffmpeg hands the parent's environment on, credentials and all, opens no pipe beyond stderr, and where no
 * process can be started it throws, out of everybody's reach, on the output that there isn't.
 */
function spawnScrubbed(internals: Internals, stdio: string[], onStart: (child: ChildProcess) => void): void {
  const original = internals._spawnFfmpeg.bind(internals);
  const scrubbed = { env: CHILD_ENVIRONMENT, stdio };
  internals._spawnFfmpeg = (args, options, started, ended) =>
    original(
      args,
      { ...options, ...scrubbed },
      (child, ...rest) => {
        onStart(child);
        started(child, ...rest);
      },
      (error, stdout = EMPTY, stderr = EMPTY) => ended(error, stdout, stderr),
    );
}

/**
 * Runs one ffmpeg command to its end in the scrubbed environment, and leaves no process behind however it ends.
 * Throws `FfmpegError` for an exit code other than 0, what `attend` throws, and the signal's reason when aborted.
 */
export async function runFfmpeg(run: FfmpegRun): Promise<void> {
  const { signal, stdin = false, outputs = 0, attend } = run;
  signal.throwIfAborted();
  const stderr = new StderrTail(run.secret);
  let child: ChildProcess | undefined;
  let attended: Promise<unknown> | undefined;
  let failure: { reason: unknown } | undefined;
  const kill = () => void child?.kill("SIGKILL");

  const command = ffmpeg({ cwd: run.directory }).setFfmpegPath(run.binary);
  const internals = command as unknown as Internals;
  skipCapabilityChecks(internals);
  const stdio = [stdin ? "pipe" : "ignore", "pipe", "pipe", ...Array<string>(outputs).fill("pipe")];
  spawnScrubbed(internals, stdio, (started) => {
    child = started;
    const pipes = { input: started.stdin ?? undefined, outputs: started.stdio.slice(3) as Readable[] };
    // Writing to a process that has ended is told by its exit code.
    pipes.input?.on("error", () => {});
    attended = attend?.(pipes).catch((reason: unknown) => {
      failure = { reason };
      kill();
    });
  });
  command.on("stderr", (line: string) => {
    stderr.add(line);
    run.onStderr?.(line);
  });
  run.build(command);

  signal.addEventListener("abort", kill, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      command.once("end", () => resolve());
      command.once("error", reject);
      command.run();
    });
    await attended;
  } catch (error) {
    await attended;
    signal.throwIfAborted();
    if (failure === undefined)
      throw new FfmpegError("ffmpeg", child?.exitCode ?? null, stderr.toString(), { cause: error });
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
  }
  if (failure !== undefined) throw failure.reason;
}
