import { isForbidden, RejectedVideo, SourceUnavailableError } from "../video/errors.ts";
import * as facts from "../video/event-data.ts";
import { correlationId } from "../video/ids.ts";
import { PARENT, parentOf } from "../video/own-segments.ts";
import { sourceIdentity } from "../video/source.ts";
import { type Asked, accept, askedFor } from "./accept.ts";
import { announcer } from "./announcer.ts";
import { cutVideo } from "./cut-video.ts";
import type { SplitDependencies } from "./dependencies.ts";
import { type FoundSource, findSource } from "./find-source.ts";
import type { Measurement } from "./ports/measure.ts";
import type { SplitRequest } from "./requests.ts";

export type SplitOutcome =
  | { outcome: "split"; VideoId: number; segments: number }
  | { outcome: "rejected"; VideoId: number; reason: string }
  | { outcome: "skipped"; why: string }
  | { outcome: "done elsewhere" };

/**
 * Splits the object that a request names: announces `SplitPlanned`, each `SegmentCreated` and `VideoSplit`, or
 * `VideoRejected`. Throws what is worth a retry, `signal`'s reason among it.
 */
export async function splitVideo(
  request: SplitRequest,
  dependencies: SplitDependencies,
  signal: AbortSignal,
): Promise<SplitOutcome> {
  const { store, settings, once } = dependencies;
  const log = dependencies.log.with({ bucket: request.bucket, key: request.key });
  const skip = (why: string): SplitOutcome => {
    log.info(`Skipped: ${why}`);
    return { outcome: "skipped", why };
  };

  if (!request.explicit && !request.key.startsWith(settings.uploadKeyPrefix)) {
    return skip(`the key is outside the upload prefix "${settings.uploadKeyPrefix}"`);
  }
  const found = await findSource(request, store);
  const { stored } = found;
  const parent = stored && parentOf(stored, dependencies.hash);
  if (parent !== undefined) return skip(`it's a segment of video ${parent}, made by this service`);
  if (stored?.metadata[PARENT] !== undefined)
    log.warn(`Split as any upload: it has the metadata ${PARENT}, and this service didn't make it`);

  const identity = sourceIdentity(found.source);
  const asked = askedFor(request, stored);

  // What a delivery comes to that finds its work done, or being done.
  let measurement: Measurement = { type: "duplicate" };
  const done = await once(JSON.stringify([identity, asked, request.fault]), async () => {
    const videoId = await dependencies.ledger.claimBlock(identity);
    const bytes = stored?.bytes ?? request.bytes ?? 0;
    const video = { upload: { videoId, source: found.source, bytes }, identity, request, found, asked };
    const ending = await splitOnce(video, { ...dependencies, log: log.with({ video_id: videoId }) }, signal);
    measurement = ending.measurement;
    // A rejection costs little to find again, and with another setting or a newer ffmpeg it may be none.
    return { result: ending.outcome, remember: ending.outcome.outcome === "split" };
  });
  // Not sooner: when an outcome can't be remembered the work is done again, and it would count twice.
  dependencies.measure(measurement);
  if (done !== "done elsewhere") return done.result;
  log.info("Left alone: another delivery of this upload is being split right now");
  return { outcome: "done elsewhere" };
}

type Video = {
  upload: facts.Upload;
  identity: string;
  request: SplitRequest;
  found: FoundSource;
  asked: Asked;
};

type Ending = { outcome: SplitOutcome; measurement: Measurement };

async function splitOnce(video: Video, dependencies: SplitDependencies, signal: AbortSignal): Promise<Ending> {
  const { upload, request, identity } = video;
  const { videoId } = upload;
  const begun = dependencies.now();
  const announce = announcer(identity, request.messageId, dependencies);
  const log = dependencies.log.with({ correlation_id: correlationId(identity, dependencies.hash) });
  try {
    const choice = accept(upload, request, video.found, video.asked, dependencies.settings);
    const { segments, duration } = await cutVideo(upload, choice, { ...dependencies, log }, announce, signal);
    await dependencies.ledger.recordEnding(videoId, "split");
    const splitSeconds = secondsBetween(begun, dependencies.now());
    log.info("Split", { segments });
    return {
      outcome: { outcome: "split", VideoId: videoId, segments },
      measurement: {
        type: "split",
        videoId,
        segments,
        videoSeconds: duration,
        videoBytes: upload.bytes,
        splitSeconds,
      },
    };
  } catch (error) {
    if (!isRejection(error, request)) throw error;
    const { reason, message } = error;
    log.warn(`Rejected: ${message}`, { reason });
    await announce("VideoRejected", facts.rejected(upload, reason, message));
    await dependencies.ledger.recordEnding(videoId, "rejected");
    return {
      outcome: { outcome: "rejected", VideoId: videoId, reason },
      measurement: { type: "rejected", videoId, reason },
    };
  }
}

/** An upload that may not be read shows that the service is set up wrongly; that isn't said of the video. */
const isRejection = (error: unknown, { explicit }: SplitRequest): error is RejectedVideo | SourceUnavailableError =>
  error instanceof RejectedVideo || (error instanceof SourceUnavailableError && (explicit || !isForbidden(error)));

/** None where the clock was set back. */
const secondsBetween = (begun: Date, ended: Date): number => Math.max(0, ended.getTime() - begun.getTime()) / 1_000;
