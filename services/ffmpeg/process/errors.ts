import { constants } from "node:os";
import { megabytes } from "../../split/domain/budget.ts";
import { type CutFailure, isCutFailure, isMediaFault, limitExceeded, ServiceError } from "../../video/errors.ts";
import { currentBudget } from "./limits.ts";
import type { StderrTail } from "./stderr-tail.ts";

/** Which failures are the file's fault, and which aren't: docs/decisions/failing-ffmpeg.md */

export type Program = "ffmpeg" | "ffprobe";

/** How a process ended: its exit code, or the signal that ended it. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/**
 * ffmpeg or ffprobe failed on its input: it exited with a code other than 0, or crashed. `stderr`
 * has its last lines, without the secret of the loopback source.
 */
export class FfmpegError extends Error {
  override name = "FfmpegError";
  readonly code = "FfmpegFailed";
  readonly program: Program;
  /** After a crash: 128 plus the signal's number, as in shells. */
  readonly exitCode: number;
  /** The signal of a crash; null when the program exited. */
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;

  constructor(program: Program, { code, signal }: Exit, stderr: string) {
    const how = signal === null ? `exited with code ${code}` : `crashed (${signal})`;
    super(`${program} ${how}${stderr && `: ${stderr}`}`);
    this.program = program;
    this.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    this.signal = signal;
    this.stderr = stderr;
  }
}

/** A process was killed from outside: memory ran out, or the machine shuts down. */
export class ProcessKilledError extends ServiceError {
  override name = "ProcessKilledError";
  readonly code = "ProcessKilled";
  readonly retryable = true;
  readonly program: Program;
  /** Null when the program caught the signal and exited. */
  readonly signal: NodeJS.Signals | null;

  constructor(program: Program, { code, signal }: Exit, stderr: string) {
    super(`${program} was killed (${signal ?? `exit code ${code}`})${stderr && `: ${stderr}`}`);
    this.program = program;
    this.signal = signal;
  }
}

/** A process couldn't be started: too many open files or processes, or no memory. */
export class ProcessStartError extends ServiceError {
  override name = "ProcessStartError";
  readonly code = "ProcessNotStarted";
  readonly retryable = true;

  constructor(program: Program, cause: unknown) {
    super(`${program} couldn't be started: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The disk of the temporary directory is full, for this process or for ffmpeg. */
export class DiskFullError extends ServiceError {
  override name = "DiskFullError";
  readonly code = "DiskFull";
  readonly retryable = true;
}

/** The cut is impossible, or its result fails the proof. `reason` is the rejection's reason. */
export class CutFailedError extends Error implements CutFailure {
  override name = "CutFailedError";
  readonly code = "CutFailed";
  readonly reason: CutFailure["reason"];

  constructor(reason: CutFailure["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** A `CutFailedError` for a file that can't be read. */
export const unreadable = (message: string): CutFailedError => new CutFailedError("UnreadableMedia", message);

/**
 * Whether the file caused the error, so that another way of cutting may succeed. Other errors, such
 * as a killed process, a full disk or a bug, say nothing about the file.
 */
export const isCausedByFile = (error: unknown): boolean => isMediaFault(error) || isCutFailure(error);

const DISK_FULL = ["ENOSPC", "EDQUOT"];

/**
 * A `DiskFullError` when a file couldn't be written for lack of space; otherwise the error itself.
 */
export function diskFullOr(error: unknown): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return DISK_FULL.includes(code) ? new DiskFullError(`The disk is full: ${message}`, { cause: error }) : error;
}

/** Signals of crashes, which the file causes: it would crash the same program again. */
const CRASHES: readonly (NodeJS.Signals | null)[] = ["SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL", "SIGBUS", "SIGSYS"];

/**
 * ffmpeg catches SIGTERM, SIGINT and SIGXCPU and exits with 255, or with 123 after the fourth one
 * (sigterm_handler in fftools/ffmpeg.c).
 */
const EXIT_CODES_AFTER_SIGNAL = [123, 255];

/**
 * Exit codes of a shell (when ffmpeg is a script) whose program was killed: 128 plus the signal.
 */
const SHELL_KILL_EXIT_CODES = [constants.signals.SIGKILL, constants.signals.SIGTERM].map((signal) => 128 + signal);

/** Exit codes of a shell that can't run a program, or finds none. */
const SHELL_START_FAILURES = [126, 127];

/** Limits of a process, and which of them it reached. */
export type AppliedLimits = {
  /** Undefined: unlimited. */
  cpuSeconds: number | undefined;
  /** Whether it was killed because all programs together used too much memory. */
  wasKilledForMemory: boolean;
  /** The most memory that it was seen with, as a share of what it may have. */
  memoryShare: number;
};

const UNLIMITED: AppliedLimits = { cpuSeconds: undefined, wasKilledForMemory: false, memoryShare: 0 };

/** A program that fails above this share is taken to have failed for lack of memory. */
const FULL_SHARE = 0.75;

/**
 * ffmpeg takes a packet for which it has no memory as the end of the file, and exits with 0. With
 * less than this share in use, the file states an absurd size. It's less than the share above
 * because memory is sampled, and what was refused isn't part of it.
 */
const LARGE_SHARE = 0.5;

function memoryLimitError(programs: string, bytes: number, stderr: StderrTail): Error {
  const limit = `${programs} may use ${megabytes(bytes)} of the function's ${currentBudget().memoryMB} MB of memory, and this video needs more`;
  const advice = "Raise video_split.memory_mb, or export the video with a smaller picture or fewer tracks.";
  return limitExceeded(`${limit} (${stderr || "it was killed"}). ${advice}`);
}

const cpuTimeLimitError = (program: Program, seconds: number): Error =>
  limitExceeded(
    `${program} can't probe the file within ${seconds} seconds of CPU time: it has too many tags, tracks or index entries. ` +
      'Export it again with "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy -map_metadata -1 EXPORTED" and upload that.',
  );

const streamLimitError = (): Error =>
  limitExceeded(
    `The file has more than ${currentBudget().streams} tracks. ` +
      'Export it with fewer: "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy EXPORTED", and upload that.',
  );

/** The error of the limit that ended a process; undefined when none did. */
function limitErrorOf(
  program: Program,
  { code, signal }: Exit,
  stderr: StderrTail,
  limited: AppliedLimits,
): Error | undefined {
  const { programBytes, programsBytes } = currentBudget();
  if (limited.wasKilledForMemory) return memoryLimitError("All runs of ffmpeg together", programsBytes, stderr);
  if (limited.cpuSeconds !== undefined && signal === "SIGXCPU") return cpuTimeLimitError(program, limited.cpuSeconds);
  const { memoryShare } = limited;
  if (code !== 0 && stderr.reportsTooManyStreams) return streamLimitError();
  const isFull = code === 0 ? memoryShare > LARGE_SHARE && stderr.reportsOutOfMemory : memoryShare > FULL_SHARE;
  const isRefused = code !== 0 && stderr.reportsOutOfMemory;
  return isFull || isRefused ? memoryLimitError(program, programBytes, stderr) : undefined;
}

/** Why a process failed; undefined when it succeeded. */
export function failureOf(
  program: Program,
  exit: Exit,
  stderr: StderrTail,
  limited: AppliedLimits = UNLIMITED,
): Error | undefined {
  // ffmpeg also exits with 0 when the end of a file couldn't be written.
  if (stderr.reportsDiskFull) return new DiskFullError(`The disk is full for ${program}: ${stderr}`);
  const overrun = limitErrorOf(program, exit, stderr, limited);
  if (overrun !== undefined) return overrun;
  const { code, signal } = exit;
  if (code === 0) return undefined;
  if (SHELL_START_FAILURES.includes(code ?? 0)) return new ProcessStartError(program, new Error(`${stderr}`));
  const isKilled =
    signal === null
      ? SHELL_KILL_EXIT_CODES.includes(code ?? 0) ||
        (program === "ffmpeg" && EXIT_CODES_AFTER_SIGNAL.includes(code ?? 0))
      : !CRASHES.includes(signal);
  return new (isKilled ? ProcessKilledError : FfmpegError)(program, exit, stderr.toString());
}
