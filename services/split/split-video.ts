import { isForbidden, RejectedVideo, SourceUnavailableError } from "../video/errors.ts";
import * as facts from "../video/event-data.ts";
import { correlationId } from "../video/ids.ts";
import { overridesOf } from "../video/overrides.ts";
import type { StoredObject } from "../video/ports/stored-objects.ts";
import { OUTPUT_MARKER } from "../video/segment-keys.ts";
import { isSegmentLength, segmentLengthRule } from "../video/segment-length.ts";
import { type Source, sourceIdentity } from "../video/source.ts";
import { announcer } from "./announcer.ts";
import { cutVideo } from "./cut-video.ts";
import type { SplitDependencies, SplitSettings } from "./dependencies.ts";
import type { CutChoice } from "./ports/ledger.ts";
import type { Measurement } from "./ports/measure.ts";
import type { MediaStore } from "./ports/media-store.ts";
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
  const { stored, forbidden } = await lookUp(request, store);
  const parent = stored?.metadata[OUTPUT_MARKER];
  if (parent !== undefined) return skip(`it's a segment of video ${parent}, made by this service`);

  const source = sourceOf(request, stored);
  const identity = sourceIdentity(source);
  const { overrides, fault } = overridesOf(stored?.metadata ?? {});
  const wished = {
    segmentSeconds: request.segmentSeconds ?? overrides.segmentSeconds,
    cut: request.cut ?? overrides.cut,
    outputKeyPrefix: request.outputKeyPrefix,
    fault,
  };

  // What a delivery comes to that finds its work done, or being done.
  let measurement: Measurement = { type: "duplicate" };
  const done = await once(JSON.stringify([identity, wished]), async () => {
    const videoId = await dependencies.ledger.claimBlock(identity);
    const upload: facts.Upload = { videoId, source, bytes: stored?.bytes ?? 0 };
    const video = { upload, identity, request, stored, forbidden, wished };
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

/**
 * What lies where the request says. Somebody who asked for an object by name is told that it may not be read; an upload's own event
 * that leads to one shows that this service is set up wrongly, and is thrown.
 */
async function lookUp(
  { bucket, key, versionId, explicit }: SplitRequest,
  store: MediaStore,
): Promise<{ stored: StoredObject | undefined; forbidden: boolean }> {
  try {
    return { stored: await store.describe(bucket, key, versionId), forbidden: false };
  } catch (error) {
    if (explicit && isForbidden(error)) return { stored: undefined, forbidden: true };
    throw error;
  }
}

/** The source that the request means: what it says itself, else what lies there now. */
const sourceOf = (request: SplitRequest, stored: StoredObject | undefined): Source => ({
  bucket: request.bucket,
  key: request.key,
  etag: request.etag ?? stored?.source.etag ?? "",
  versionId: request.versionId ?? stored?.source.versionId,
});

type Wished = { [K in keyof CutChoice]: CutChoice[K] | undefined } & { fault: string | undefined };

type Video = {
  upload: facts.Upload;
  identity: string;
  request: SplitRequest;
  stored: StoredObject | undefined;
  forbidden: boolean;
  wished: Wished;
};

type Ending = { outcome: SplitOutcome; measurement: Measurement };

async function splitOnce(video: Video, dependencies: SplitDependencies, signal: AbortSignal): Promise<Ending> {
  const { upload } = video;
  const { videoId } = upload;
  const begun = dependencies.now();
  const announce = announcer(video.identity, video.request.messageId, dependencies);
  const log = dependencies.log.with({ correlation_id: correlationId(video.identity, dependencies.hash) });
  try {
    const bytes = assertSplittable(video, dependencies.settings);
    const wish = choiceOf(video.wished, dependencies.settings);
    const { segments, duration } = await cutVideo(
      { ...upload, bytes },
      wish,
      { ...dependencies, log },
      announce,
      signal,
    );
    await dependencies.ledger.recordEnding(videoId, "split");
    const splitSeconds = secondsBetween(begun, dependencies.now());
    log.info("Split", { segments });
    return {
      outcome: { outcome: "split", VideoId: videoId, segments },
      measurement: { type: "split", videoId, segments, videoSeconds: duration, videoBytes: bytes, splitSeconds },
    };
  } catch (error) {
    const rejection = asRejection(error);
    if (rejection === undefined) throw error;
    const { reason, message } = rejection;
    log.warn(`Rejected: ${message}`, { reason });
    await announce("VideoRejected", facts.rejected(upload, reason, message));
    await dependencies.ledger.recordEnding(videoId, "rejected");
    return {
      outcome: { outcome: "rejected", VideoId: videoId, reason },
      measurement: { type: "rejected", videoId, reason },
    };
  }
}

/** None where the clock was set back. */
const secondsBetween = (begun: Date, ended: Date): number => Math.max(0, ended.getTime() - begun.getTime()) / 1_000;

function asRejection(error: unknown): RejectedVideo | undefined {
  if (error instanceof RejectedVideo) return error;
  if (!(error instanceof SourceUnavailableError)) return undefined;
  const { reason, message } = error;
  const next =
    reason === "SourceChanged" ? "What lies there now is split on its own upload event." : "Upload it again.";
  return new RejectedVideo(reason, `${message}. ${next}`, { cause: error });
}

function assertSplittable({ upload, request, stored, forbidden, wished }: Video, settings: SplitSettings): number {
  const name = `s3://${request.bucket}/${request.key}`;
  if (forbidden) {
    throw new RejectedVideo(
      "SourceForbidden",
      `This service may not read ${name}. Name its place in video_split.request_sources and deploy, then ask again.`,
    );
  }
  if (stored === undefined)
    throw new RejectedVideo("SourceNotFound", `${name} doesn't exist (any more). Upload it again.`);
  if (stored.source.etag !== upload.source.etag && request.versionId === undefined) {
    throw new SourceUnavailableError("SourceChanged", `${name} was overwritten before it could be split`);
  }
  if (stored.bytes === 0) throw new RejectedVideo("EmptyObject", `${name} has 0 bytes. Upload the video again.`);
  if (stored.bytes > settings.largestObjectBytes) {
    const limit = `video_split.largest_object_bytes is ${settings.largestObjectBytes}`;
    throw new RejectedVideo(
      "TooLarge",
      `${name} has ${stored.bytes} bytes, and ${limit}. Raise it, or upload the video in parts.`,
    );
  }
  if (wished.fault !== undefined)
    throw new RejectedVideo("InvalidOverride", `${wished.fault}. Upload the video again with it corrected.`);
  return stored.bytes;
}

function choiceOf(wished: Wished, settings: SplitSettings): CutChoice {
  const segmentSeconds = wished.segmentSeconds ?? settings.segmentSeconds;
  if (!isSegmentLength(segmentSeconds)) {
    throw new RejectedVideo(
      "InvalidOverride",
      `The segment length asked for is ${segmentSeconds}; ${segmentLengthRule}.`,
    );
  }
  const cut = wished.cut ?? settings.cut;
  const outputKeyPrefix = wished.outputKeyPrefix ?? settings.outputKeyPrefix;
  if (!outputKeyPrefix.startsWith(settings.outputKeyRoot)) {
    throw new RejectedVideo(
      "InvalidOverride",
      `The output prefix asked for is "${outputKeyPrefix}"; in bucket ${settings.outputBucket} it must start with ` +
        `"${settings.outputKeyRoot}", below which alone this service may write.`,
    );
  }
  return { segmentSeconds, cut, outputKeyPrefix };
}
