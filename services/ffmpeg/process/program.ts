import { type ChildProcess, spawn } from "node:child_process";
import { finished, type Readable, type Writable } from "node:stream";
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
  /** Working directory. */
  directory?: string;
  /** Address of the source, when the program reads it. */
  source?: SourceAddress;
  /** Aborting it kills the program. */
  signal: AbortSignal;
  /** Whether it reads `pipe:0`. Default: no. */
  stdin?: boolean;
  /** Whether it writes `pipe:1`. Default: no. */
  stdout?: boolean;
  /** Number of output pipes from `pipe:3` on. Default: none. */
  pipes?: number;
  /** Limit of CPU time in seconds; beyond it, the video is rejected. Default: none. */
  cpuSeconds?: number;
};

/**
 * An output of the program. Iteration ends only when the program has succeeded and the run wasn't
 * aborted. Otherwise it throws the failure, so no reader takes a failure for the end of the data.
 */
export type OutputPipe = AsyncIterable<Buffer>;

/** An input of the program. */
export type InputPipe = {
  /**
   * Resolves when the data was written and isn't needed any more, and when the program has ended or
   * has closed the pipe: then it needs no more. Rejects with the signal's reason.
   */
  write(data: Buffer): Promise<void>;
  /** Closes the pipe after what was written. */
  end(): void;
};

export type ProgramPipes = {
  /** `pipe:0`, if `stdin` is set. */
  input: InputPipe;
  /** `pipe:1` if `stdout` is set, then `pipe:3` and up. */
  outputs: OutputPipe[];
};

/** How long to wait for a killed process to end. */
const MAX_EXIT_MS = 5_000;

/**
 * Runs ffmpeg or ffprobe in the scrubbed environment while `usePipes` writes and reads its pipes.
 * Resolves with the last lines of stderr when both have succeeded. Throws what `usePipes` throws;
 * `FfmpegError`, `ProcessKilledError`, `ProcessStartError` or `DiskFullError`; `RejectedVideo`
 * (LimitExceeded) when the program needs more memory or CPU time than it may use; and the signal's
 * reason, immediately. However it ends, no process and no pipe is left.
 */
export async function runProgram(
  run: ProgramRun,
  usePipes: (pipes: ProgramPipes) => Promise<void>,
): Promise<{ stderr: string }> {
  const { signal } = run;
  signal.throwIfAborted();
  const running = await start(run);
  try {
    const work = async (): Promise<void> => {
      await usePipes(running.pipes);
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
  /** Resolves when it has ended: why it failed; undefined when it succeeded. */
  failure: Promise<Error | undefined>;
  stop(): Promise<void>;
};

async function start(run: ProgramRun): Promise<Running> {
  const { program, signal, cpuSeconds } = run;
  const child = await spawned(run);
  let wasKilledForMemory = false;
  const watched: Watched = {
    pid: child.pid!,
    peakBytes: 0,
    onExcess: () => {
      wasKilledForMemory = true;
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
    failureOf(program, ended, stderr, { cpuSeconds, wasKilledForMemory, memoryShare: memoryShare(watched) }),
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

/** Starts the process. Node emits some start errors and throws others. */
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
    // For example, a signal that can't be sent.
    child.on("error", () => {});
    if (kept.some((isPiped, fd) => isPiped && !child.stdio[fd])) {
      child.kill("SIGKILL");
      for (const pipe of child.stdio) pipe?.destroy();
      throw new Error("not all of its pipes could be opened");
    }
    // Broken pipes are reported by how the process ends.
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
    yield* chunksOf(pipe);
  } catch (reason) {
    broken = { reason };
  }
  const failure = await unlessAborted(ending, signal);
  if (failure !== undefined) throw failure;
  if (broken !== undefined) throw broken.reason;
}

/**
 * Each chunk as it came. Iterating over the pipe itself would join all that wait, which copies them.
 * Destroys the pipe at the end. Throws the pipe's error.
 */
async function* chunksOf(pipe: Readable): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = [];
  let ended: { error: unknown } | undefined;
  let changed = (): void => {};
  const unlisten = finished(pipe, { writable: false }, (error) => {
    ended = { error };
    changed();
  });
  pipe.on("data", (chunk: Buffer) => {
    waiting.push(chunk);
    pipe.pause();
    changed();
  });
  try {
    for (;;) {
      for (let chunk = waiting.shift(); chunk !== undefined; chunk = waiting.shift()) yield chunk;
      if (ended?.error) throw ended.error;
      if (ended !== undefined) return;
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      pipe.resume();
      await change;
    }
  } finally {
    unlisten();
    pipe.destroy();
  }
}

const inputPipe = (pipe: Writable | null, signal: AbortSignal): InputPipe => ({
  write: async (data) => {
    signal.throwIfAborted();
    // Node calls back also when the pipe is closed.
    await new Promise<void>((resolve) => {
      if (pipe === null) resolve();
      else pipe.write(data, () => resolve());
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
