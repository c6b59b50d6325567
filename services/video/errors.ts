import type { RejectionReason } from "#events-schema";

/** The base of all errors of the services: a stable code, and whether a retry may succeed. */
export abstract class ServiceError extends Error {
  abstract readonly code: string;
  /** True: thrown to Lambda, which tries again. False: announced as a rejection. */
  abstract readonly retryable: boolean;
}

/**
 * The object can't be split, and trying again won't help: it's announced as `VideoRejected` and not
 * retried.
 */
export class RejectedVideo extends ServiceError {
  override name = "RejectedVideo";
  readonly code = "RejectedVideo";
  readonly retryable = false;
  readonly reason: RejectionReason;

  /** `message` is for the person who uploaded the object: what is wrong, and what to do next. */
  constructor(reason: RejectionReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/**
 * The object needs more than a split may use: docs/decisions/budget.md. `message` names the limit
 * and what to do. Neither retried nor cut in another way.
 */
export const limitExceeded = (message: string, options?: ErrorOptions): RejectedVideo =>
  new RejectedVideo("LimitExceeded", message, options);

/** Reasons why a source can't be read in any attempt. */
export type SourceFault = Extract<RejectionReason, `Source${string}`>;

/**
 * The object can't be read, and a retry won't help: overwritten, deleted, forbidden. `reason` is
 * that of the rejection.
 */
export class SourceUnavailableError extends ServiceError {
  override name = "SourceUnavailableError";
  readonly code = "SourceUnavailable";
  readonly retryable = false;
  readonly reason: SourceFault;

  /** `message` says what is wrong and what to do next. */
  constructor(reason: SourceFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The service may not read the object. */
export const isForbidden = (error: unknown): boolean =>
  error instanceof SourceUnavailableError && error.reason === "SourceForbidden";

/** The object's bytes couldn't be fetched this time: S3 failed, the connection broke or stalled. */
export class SourceFetchError extends ServiceError {
  override name = "SourceFetchError";
  readonly code = "SourceFetchFailed";
  readonly retryable = true;
}

/**
 * Another delivery is working on the same object. Whether it does what this one requests is known
 * only later.
 */
export class BusyError extends ServiceError {
  override name = "BusyError";
  readonly code = "Busy";
  readonly retryable = true;
}

/** The invocation's time ran out. */
export class OutOfTimeError extends ServiceError {
  override name = "OutOfTimeError";
  readonly code = "OutOfTime";
  readonly retryable = true;
}

/** Another run of the reconciler took over, because this one's lease had expired. */
export class LeaseLostError extends ServiceError {
  override name = "LeaseLostError";
  readonly code = "LeaseLost";
  readonly retryable = true;
}

/** A failure of ffmpeg or ffprobe that is caused by the file, not by the machine. */
export type MediaFault = Error & { code: "FfmpegFailed"; exitCode: number; stderr: string };

/**
 * A killed child process has no exit code. The machine is the cause (memory, a stop), and a retry
 * may succeed.
 */
export const isMediaFault = (error: unknown): error is MediaFault =>
  error instanceof Error &&
  (error as Partial<MediaFault>).code === "FfmpegFailed" &&
  typeof (error as Partial<MediaFault>).exitCode === "number";

/**
 * A cut that failed with every method; a retry would fail in the same way.
 */
export type CutFailure = Error & { code: "CutFailed"; reason: RejectionReason };

export const isCutFailure = (error: unknown): error is CutFailure =>
  error instanceof Error && (error as Partial<CutFailure>).code === "CutFailed";
