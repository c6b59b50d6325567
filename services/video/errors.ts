import type { RejectionReason } from "#events-schema";

/** The object can't be split, and trying again won't help: it's announced as `VideoRejected` and not retried. */
export class RejectedVideo extends Error {
  override name = "RejectedVideo";
  readonly reason: RejectionReason;

  /** `message` is for the person who uploaded the object: what is wrong, and what to do next. */
  constructor(reason: RejectionReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The object was overwritten or deleted while it was read. */
export class SourceChangedError extends Error {
  override name = "SourceChangedError";
}

/** This service may not read the object. */
export class ForbiddenSourceError extends Error {
  override name = "ForbiddenSourceError";
}

/** The invocation's time ran out. Thrown, so that it's retried. */
export class OutOfTimeError extends Error {
  override name = "OutOfTimeError";
}

/** What ffmpeg or ffprobe answers with when the file, not the machine, is at fault. */
export type MediaFault = Error & { code: "FfmpegFailed"; exitCode: number; stderr: string };

/** A child that was killed has no exit code: that's the machine's fault (memory, a stop), and worth a retry. */
export const isMediaFault = (error: unknown): error is MediaFault =>
  error instanceof Error &&
  (error as Partial<MediaFault>).code === "FfmpegFailed" &&
  typeof (error as Partial<MediaFault>).exitCode === "number";

/** A cut that was tried in every way there is and can't be done; the same again would come to the same. */
export type CutFailure = Error & { code: "CutFailed"; reason: RejectionReason };

export const isCutFailure = (error: unknown): error is CutFailure =>
  error instanceof Error && (error as Partial<CutFailure>).code === "CutFailed";
