import { type CutFailure, isCutFailure, isMediaFault } from "../../video/errors.ts";

/** How much of stderr goes into an error. */
const TAIL_LINES = 8;
const TAIL_LINE_LENGTH = 300;

/** ffmpeg or ffprobe ended otherwise than well. `stderr` is its tail, without the loopback source's secret path. */
export class FfmpegError extends Error {
  override name = "FfmpegError";
  readonly code = "FfmpegFailed";
  readonly program: string;
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(program: string, exitCode: number | null, stderr: string, options?: ErrorOptions) {
    super(
      `${program} ${exitCode === null ? "was killed" : `exited with code ${exitCode}`}${stderr && `: ${stderr}`}`,
      options,
    );
    this.program = program;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** The cut can't be done, or what it gave isn't what it must be. `reason` is what the video is rejected for. */
export class CutFailedError extends Error implements CutFailure {
  override name = "CutFailedError";
  readonly code = "CutFailed";
  readonly reason: CutFailure["reason"];

  constructor(reason: CutFailure["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

const isDiskFull = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === "ENOSPC" || String(error).includes("No space left on device");

/**
 * Whether the file is at fault, and another way of cutting it may do better. A process that was killed, a full disk and
 * an error of our own say nothing about the file.
 */
export const isOfTheFile = (error: unknown): boolean =>
  (isMediaFault(error) || isCutFailure(error)) && !isDiskFull(error);

/** Something about the file that nothing here can make sense of. */
export const unreadable = (message: string): CutFailedError => new CutFailedError("UnreadableMedia", message);

/** The last lines of a child's stderr, bounded: a hostile file can make ffmpeg print without end. */
export class StderrTail {
  readonly #lines: string[] = [];
  readonly #secret: string | undefined;

  /** `secret` is replaced by "source" wherever it stands, since logs must not tell how the source was reached. */
  constructor(secret?: string) {
    this.#secret = secret;
  }

  add(line: string): void {
    const clean = (this.#secret === undefined ? line : line.replaceAll(this.#secret, "source")).trim();
    if (clean === "") return;
    this.#lines.push(clean.slice(0, TAIL_LINE_LENGTH));
    if (this.#lines.length > TAIL_LINES) this.#lines.shift();
  }

  toString(): string {
    return this.#lines.join(" | ");
  }
}
