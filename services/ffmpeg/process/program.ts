import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { unlessAborted } from "./condition.ts";
import { type Exit, failureOf, ProcessStartError, type Program } from "./errors.ts";
import { limitedCommand } from "./limits.ts";
import { memoryShare, unwatch, type Watched, watch } from "./memory-watch.ts";
import { childEnvironment, type SourceAddress } from "./sandbox.ts";
import { StderrTail } from "./stderr-tail.ts";

export type ProgramRun = {
  program: Program;
  binary: string;
  args: readonly string[];
  /** Its working directory. */
  directory?: string;
  /** Of the source, where it's read. */
  source?: SourceAddress;
  /** Kills it. */
  signal: AbortSignal;
  /** Whether it reads `pipe:0`. Default: no. */
  stdin?: boolean;
  /** Whether it writes `pipe:1`. Default: no. */
  stdout?: boolean;
  /** How many pipes it writes to from `pipe:3` on. Default: none. */
  pipes?: number;
  /** Seconds of CPU that it may take; what takes more is rejected. Default: as many as it takes. */
  cpuSeconds?: number;
};

/**
 * What the program writes to a pipe. It ends only when the program has ended well and the run
 * wasn't aborted: else it throws why, so that no reader takes a failure for the end of the data.
 */
export type OutputPipe = AsyncIterable<Buffer>;

/** What the program reads from a pipe. */
export type InputPipe = {
  /**
   * Resolves when there's room for more. Also where the program has ended or reads no more: then it
   * needs no more. Rejects with the signal's reason.
   */
  write(data: Buffer): Promise<void>;
  /** No more is written. */
  end(): void;
};

export type ProgramPipes = {
  /** `pipe:0`, where it's read. */
  input: InputPipe;
  /** `pipe:1`, where it's written, then `pipe:3` and up. */
  outputs: OutputPipe[];
};

/** A process that was killed is gone in no time, unless the machine is in trouble. */
const MAX_EXIT_MS = 5_000;

/**
 * Runs ffmpeg or ffprobe to its end in the scrubbed environment, while `attend` feeds and reads its
 * pipes. Resolves with what it wrote to stderr (the last lines) when both have ended well. Throws
 * what `attend` throws; `FfmpegError`, `ProcessKilledError`, `ProcessStartError` or
 * `DiskFullError`; `RejectedVideo` (LimitExceeded) where the program needs more memory or CPU time
 * than it may use; and, as soon as it's aborted and whatever `attend` waits for, the signal's
 * reason. No process and no pipe is left, however it ends.
 */
export async function runProgram(
  run: ProgramRun,
  attend: (pipes: ProgramPipes) => Promise<void>,
): Promise<{ stderr: string }> {
  const { signal } = run;
  signal.throwIfAborted();
  const running = await start(run);
  try {
    const work = async (): Promise<void> => {
      await attend(running.pipes);
      const failure = await running.failure;
      if (failure !== undefined) throw failure;
    };
    await unlessAborted(work(), signal);
    return { stderr: running.stderr.toString() };
  } finally {
    await running.stop();
  }
}

type Running = {
  pipes: ProgramPipes;
  stderr: StderrTail;
  /** Why it failed, once it has ended; undefined where it ended well. */
  failure: Promise<Error | undefined>;
  stop(): Promise<void>;
};

async function start(run: ProgramRun): Promise<Running> {
  const { program, signal, cpuSeconds } = run;
  const child = await spawned(run);
  let isStopped = false;
  const watched: Watched = {
    pid: child.pid!,
    mostBytes: 0,
    onExcess: () => {
      isStopped = true;
      child.kill("SIGKILL");
    },
  };
  watch(watched);
  const exit = new Promise<Exit>((resolve) => {
    child.once("exit", (code, killedBy) => {
      unwatch(watched);
      resolve({ code, signal: killedBy });
    });
  });
  const stderr = new StderrTail(run.source);
  const failure = Promise.all([exit, readStderr(child, stderr)]).then(([ended]) =>
    failureOf(program, ended, stderr, { cpuSeconds, isStopped, memoryShare: memoryShare(watched) }),
  );
  const [, stdout, , ...more] = child.stdio as (Readable | null)[];
  const outputs = [stdout, ...more].filter((pipe) => pipe !== null && pipe !== undefined);
  return {
    pipes: {
      input: inputPipe(child.stdin, signal),
      outputs: outputs.map((pipe) => readOutput(pipe, failure, signal)),
    },
    stderr,
    failure,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      for (const pipe of child.stdio) pipe?.destroy();
      await atMost(MAX_EXIT_MS, exit);
    },
  };
}

/**
 * Starts the process. Node emits an error where there's no process, and throws where it expected
 * none.
 */
async function spawned(run: ProgramRun): Promise<ChildProcess> {
  const { program, binary, args, directory, source, cpuSeconds, stdin = false, stdout = false, pipes = 0 } = run;
  const kept = [stdin, stdout, true, ...Array<boolean>(pipes).fill(true)];
  try {
    const stdio = kept.map((isPiped) => (isPiped ? "pipe" : "ignore"));
    const command = limitedCommand(binary, args, cpuSeconds);
    const child = spawn(command.file, command.args, { cwd: directory, env: childEnvironment(source), stdio });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    // Of a signal that can't be sent, for one.
    child.on("error", () => {});
    if (kept.some((isPiped, fd) => isPiped && !child.stdio[fd])) {
      child.kill("SIGKILL");
      for (const pipe of child.stdio) pipe?.destroy();
      throw new Error("not all of its pipes could be opened");
    }
    // A pipe that breaks is reported by how the process ends.
    for (const pipe of child.stdio) pipe?.on("error", () => {});
    return child;
  } catch (error) {
    throw new ProcessStartError(program, error);
  }
}

function readStderr({ stderr }: ChildProcess, tail: StderrTail): Promise<void> {
  return new Promise((resolve) => {
    stderr!.on("data", (chunk: Buffer) => tail.push(chunk));
    stderr!.once("close", () => {
      tail.end();
      resolve();
    });
  });
}

async function* readOutput(
  pipe: Readable,
  ending: Promise<Error | undefined>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let broken: { reason: unknown } | undefined;
  try {
    for await (const chunk of pipe) yield chunk as Buffer;
  } catch (reason) {
    broken = { reason };
  }
  const failure = await unlessAborted(ending, signal);
  if (failure !== undefined) throw failure;
  if (broken !== undefined) throw broken.reason;
}

const inputPipe = (pipe: Writable | null, signal: AbortSignal): InputPipe => ({
  write: async (data) => {
    signal.throwIfAborted();
    // The callback comes also when the pipe is closed.
    await new Promise<void>((resolve) => {
      if (pipe === null || pipe.write(data, () => resolve())) resolve();
    });
    signal.throwIfAborted();
  },
  end: () => void pipe?.end(),
});

async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
