import { constants } from "node:os";
import { megabytes } from "../../split/domain/budget.ts";
import { type CutFailure, isCutFailure, isMediaFault, limitExceeded, ServiceError } from "../../video/errors.ts";
import { currentBudget } from "./limits.ts";
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

/** How a shell reports that it can't run a program, or finds none. */
const NOT_RUN = [126, 127];

/** What the process was limited to, beside memory. */
export type Limited = {
  /** Undefined: as many as it takes. */
  cpuSeconds: number | undefined;
  /** Whether it was stopped since all programs together had too much memory. */
  isStopped: boolean;
  /** The most memory that it was seen with, as a share of what it may have. */
  memoryShare: number;
};

const UNLIMITED: Limited = { cpuSeconds: undefined, isStopped: false, memoryShare: 0 };

/** What fails with more than this fails for want of memory, whatever it says. */
const FULL_SHARE = 0.75;

/**
 * ffmpeg takes a packet that it has no memory for as the end of the file, and exits with 0. With
 * less than this in use, it's the file that states an absurd size. Not as much as above: memory is
 * looked at now and then, and what was refused isn't in it.
 */
const LARGE_SHARE = 0.5;

function tooMuchMemory(who: string, bytes: number, stderr: StderrTail): Error {
  const limit = `${who} may use ${megabytes(bytes)} of the function's ${currentBudget().memoryMB} MB of memory, and this video takes more`;
  const advice = "Raise video_split.memory_mb, or export the video with a smaller picture or fewer tracks.";
  return limitExceeded(`${limit} (${stderr || "it was stopped"}). ${advice}`);
}

const tooMuchTime = (program: Program, seconds: number): Error =>
  limitExceeded(
    `${program} can't tell within ${seconds} seconds of CPU time what the file holds: it has too many tags, tracks or index entries. ` +
      'Export it anew with "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy -map_metadata -1 EXPORTED" and upload that.',
  );

const tooManyStreams = (): Error =>
  limitExceeded(
    `The file has more than ${currentBudget().streams} tracks. ` +
      'Export it with fewer: "ffmpeg -i VIDEO -map 0:v:0 -map 0:a? -c copy EXPORTED", and upload that.',
  );

/** Which limit ended a process; undefined where none did. */
function overrunOf(program: Program, { code, signal }: Exit, stderr: StderrTail, limited: Limited): Error | undefined {
  const { programBytes, programsBytes } = currentBudget();
  if (limited.isStopped) return tooMuchMemory("All runs of ffmpeg together", programsBytes, stderr);
  if (limited.cpuSeconds !== undefined && signal === "SIGXCPU") return tooMuchTime(program, limited.cpuSeconds);
  const { memoryShare } = limited;
  if (code !== 0 && stderr.saysTooManyStreams) return tooManyStreams();
  const isFull = code === 0 ? memoryShare > LARGE_SHARE && stderr.saysOutOfMemory : memoryShare > FULL_SHARE;
  const isRefused = code !== 0 && stderr.saysOutOfMemory;
  return isFull || isRefused ? tooMuchMemory(program, programBytes, stderr) : undefined;
}

/** Why a process failed; undefined where it ended well. */
export function failureOf(
  program: Program,
  exit: Exit,
  stderr: StderrTail,
  limited: Limited = UNLIMITED,
): Error | undefined {
  // ffmpeg also exits with 0 where the end of a file couldn't be written.
  if (stderr.saysDiskFull) return new DiskFullError(`The disk is full for ${program}: ${stderr}`);
  const overrun = overrunOf(program, exit, stderr, limited);
  if (overrun !== undefined) return overrun;
  const { code, signal } = exit;
  if (code === 0) return undefined;
  if (NOT_RUN.includes(code ?? 0)) return new ProcessStartError(program, new Error(`${stderr}`));
  const isKilled =
    signal === null
      ? REPORTED_KILLS.includes(code ?? 0) || (program === "ffmpeg" && STOPPED.includes(code ?? 0))
      : !CRASHES.includes(signal);
  return new (isKilled ? ProcessKilledError : FfmpegError)(program, exit, stderr.toString());
}
