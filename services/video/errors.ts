import type { RejectionReason } from "#events-schema";

/**
 * What all errors of the services have: a stable code, and whether the same again may end
 * otherwise.
 */
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
 * The object asks for more than a split may use: docs/decisions/budget.md. `message` names the limit
 * and what to do. Neither retried nor cut in another way.
 */
export const limitExceeded = (message: string, options?: ErrorOptions): RejectedVideo =>
  new RejectedVideo("LimitExceeded", message, options);

/** Why a source can't be had, however often it's tried. */
export type SourceFault = Extract<RejectionReason, `Source${string}`>;

/**
 * The object can't be read, and won't be by trying again: overwritten, deleted, forbidden. `reason`
 * is what it's rejected for.
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
 * Another delivery works on the same object, and whether it does what this one asks will only turn
 * out.
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

/** Another run of the reconciler took over: this one's time was up. */
export class LeaseLostError extends ServiceError {
  override name = "LeaseLostError";
  readonly code = "LeaseLost";
  readonly retryable = true;
}

/** What ffmpeg or ffprobe answers with when the file, not the machine, is at fault. */
export type MediaFault = Error & { code: "FfmpegFailed"; exitCode: number; stderr: string };

/**
 * A child that was killed has no exit code: that's the machine's fault (memory, a stop), and worth
 * a retry.
 */
export const isMediaFault = (error: unknown): error is MediaFault =>
  error instanceof Error &&
  (error as Partial<MediaFault>).code === "FfmpegFailed" &&
  typeof (error as Partial<MediaFault>).exitCode === "number";

/**
 * A cut that was tried in every way there is and can't be done; the same again would come to the
 * same.
 */
export type CutFailure = Error & { code: "CutFailed"; reason: RejectionReason };

export const isCutFailure = (error: unknown): error is CutFailure =>
  error instanceof Error && (error as Partial<CutFailure>).code === "CutFailed";
