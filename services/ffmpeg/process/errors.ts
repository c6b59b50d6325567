import { constants } from "node:os";
import { type CutFailure, isCutFailure, isMediaFault, ServiceError } from "../../video/errors.ts";
import type { StderrTail } from "./stderr-tail.ts";

/** Which failures say something about the file, and which don't: docs/decisions/failing-ffmpeg.md */

export type Program = "ffmpeg" | "ffprobe";

/** How a process ended: its exit code, or the signal that ended it. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/**
 * ffmpeg or ffprobe failed on what it was given: it exited with a code other than 0, or crashed.
 * `stderr` has its last lines, without the loopback source's secret path.
 */
export class FfmpegError extends Error {
  override name = "FfmpegError";
  readonly code = "FfmpegFailed";
  readonly program: Program;
  /** After a crash: 128 and the signal's number, as shells report it. */
  readonly exitCode: number;
  /** Of a crash; null where the program exited by itself. */
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

/** A process was ended from outside: no memory was left, or the machine shuts down. */
export class ProcessKilledError extends ServiceError {
  override name = "ProcessKilledError";
  readonly code = "ProcessKilled";
  readonly retryable = true;
  readonly program: Program;
  /** Null where the program caught the signal and exited. */
  readonly signal: NodeJS.Signals | null;

  constructor(program: Program, { code, signal }: Exit, stderr: string) {
    super(`${program} was killed (${signal ?? `exit code ${code}`})${stderr && `: ${stderr}`}`);
    this.program = program;
    this.signal = signal;
  }
}

/** A process couldn't be started: too many files or processes, or no memory. */
export class ProcessStartError extends ServiceError {
  override name = "ProcessStartError";
  readonly code = "ProcessNotStarted";
  readonly retryable = true;

  constructor(program: Program, cause: unknown) {
    super(`${program} couldn't be started: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The temporary directory's disk is full, for this process or for ffmpeg. */
export class DiskFullError extends ServiceError {
  override name = "DiskFullError";
  readonly code = "DiskFull";
  readonly retryable = true;
}

/**
 * The cut can't be done, or its result isn't what it must be. `reason` is what the video is
 * rejected for.
 */
export class CutFailedError extends Error implements CutFailure {
  override name = "CutFailedError";
  readonly code = "CutFailed";
  readonly reason: CutFailure["reason"];

  constructor(reason: CutFailure["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Something about the file that can't be read. */
export const unreadable = (message: string): CutFailedError => new CutFailedError("UnreadableMedia", message);

/**
 * Whether the file is at fault, and another way of cutting it may do better. All else, such as a
 * process that was killed, a full disk and an error of our own, says nothing about the file.
 */
export const isOfTheFile = (error: unknown): boolean => isMediaFault(error) || isCutFailure(error);

const DISK_FULL = ["ENOSPC", "EDQUOT"];

/** The error, as a `DiskFullError` where a file of ours couldn't be written for want of space. */
export function diskFullOr(error: unknown): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return DISK_FULL.includes(code) ? new DiskFullError(`The disk is full: ${message}`, { cause: error }) : error;
}

/** A crash is the doing of what was read: the same file crashes the same program again. */
const CRASHES: readonly (NodeJS.Signals | null)[] = ["SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL", "SIGBUS", "SIGSYS"];

/**
 * ffmpeg catches SIGTERM, SIGINT and SIGXCPU and exits with 255, and with 123 after the fourth
 * (sigterm_handler in fftools/ffmpeg.c).
 */
const STOPPED = [123, 255];

/**
 * How a shell reports that what it ran was killed, where ffmpeg is a script: 128 and the signal.
 */
const REPORTED_KILLS = [constants.signals.SIGKILL, constants.signals.SIGTERM].map((signal) => 128 + signal);

/** Why a process failed; undefined where it ended well. */
export function failureOf(program: Program, exit: Exit, stderr: StderrTail): Error | undefined {
  // ffmpeg also exits with 0 where the end of a file couldn't be written.
  if (stderr.saysDiskFull) return new DiskFullError(`The disk is full for ${program}: ${stderr}`);
  const { code, signal } = exit;
  if (code === 0) return undefined;
  const isKilled =
    signal === null
      ? REPORTED_KILLS.includes(code ?? 0) || (program === "ffmpeg" && STOPPED.includes(code ?? 0))
      : !CRASHES.includes(signal);
  return new (isKilled ? ProcessKilledError : FfmpegError)(program, exit, stderr.toString());
}
