import { isForbidden, RejectedVideo, SourceUnavailableError } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import { correlationId, fingerprint } from "../video/ids.ts";
import { PARENT, parentOf } from "../video/own-segments.ts";
import { hasExtension, sourceIdentity } from "../video/source.ts";
import { accept, requestedCut } from "./accept.ts";
import { announcer } from "./announcer.ts";
import { type CutRequest, type CutResult, cutVideo } from "./cut-video.ts";
import type { SplitDependencies } from "./dependencies.ts";
import type { SegmentRange } from "./domain/ranges.ts";
import { type FoundSource, findSource } from "./find-source.ts";
import { answerBusy, answerSplit, type LaterRequest, meets, refuse } from "./later-requests.ts";
import type { SplitOutcome } from "./outcome.ts";
import type { CutChoice, Ledger, RecordedRanges } from "./ports/ledger.ts";
import type { Measurement, RangesMeasured } from "./ports/measure.ts";
import { FIRST_REQUEST, requestOf, unfinished } from "./ranges.ts";
import type { SplitRequest } from "./requests.ts";

/**
 * Splits the object that a request names: announces `SplitPlanned`, each `SegmentCreated` and
 * `VideoSplit`, or `VideoRejected`; or `RequestRefused` where it is, or is being, split in another
 * way. If one invocation isn't enough, `SegmentRangeRequested` requests ranges of the missing
 * segments: docs/decisions/ranges.md. Throws retryable errors, and `signal`'s reason if it made no
 * segment.
 */
export async function splitVideo(
  request: SplitRequest,
  dependencies: SplitDependencies,
  signal: AbortSignal,
): Promise<SplitOutcome> {
  const { store, settings, once, ledger, hash } = dependencies;
  const { bucket, key } = request;
  const log = dependencies.log.with({ bucket, key });
  const skip = (why: string): SplitOutcome => {
    log.info(`Skipped: ${why}`);
    return { outcome: "skipped", why };
  };

  const isUpload = !request.explicit && request.continuation === undefined;
  if (isUpload && !key.startsWith(settings.uploadKeyPrefix)) {
    return skip(`the key is outside the upload prefix "${settings.uploadKeyPrefix}"`);
  }
  if (isUpload && !hasExtension(key, settings.acceptedExtensions))
    return skip(`the key ends with none of ${settings.acceptedExtensions.join(", ")}`);
  const found = await findSource(request, store, signal);
  const { stored, source } = found;
  const parent = stored && parentOf(stored, hash);
  if (parent !== undefined) return skip(`it's a segment of video ${parent}, made by this service`);
  if (stored?.metadata[PARENT] !== undefined)
    log.warn(`Split like any upload: it has the metadata ${PARENT}, and this service didn't make it`);

  const identity = sourceIdentity(source);
  const videoId = await ledger.claimBlock(identity);
  const requested = requestedCut(request, stored);
  const video: Video = {
    upload: { videoId, source, bytes: stored?.bytes ?? request.bytes ?? 0 },
    request,
    found,
    requested,
    ledger,
    announce: announcer(identity, request.messageId, dependencies, signal),
    log: log.with({ video_id: videoId, correlation_id: correlationId(identity, hash) }),
  };

  // Measured for a delivery whose work another delivery has done or is doing.
  let measurement: Measurement = { type: "duplicate" };
  let worked = false;
  let ended: Ending | undefined;
  const requestHash = fingerprint(JSON.stringify(requested), hash);
  const range = await rangeOf(video);
  const work = range === undefined ? identity : `${identity}\n${range.last}`;
  const done = await once(work, requestHash, async () => {
    const ending = await workOn(video, range, dependencies, signal);
    if (ending === "already split") return { result: { outcome: ending, VideoId: videoId }, keep: true };
    worked = true;
    ended = ending;
    if (ending.measurement !== undefined) measurement = ending.measurement;
    // A rejection costs little to find again, and another setting or a newer ffmpeg may avoid it.
    return { result: ending.outcome, keep: ending.outcome.outcome === "split" };
  });
  const outcome = await answer(video, done, worked, requestHash);
  // Only after the record is released, so that the next invocation isn't treated as a duplicate of
  // this one. No deadline: without the events, Lambda retries this invocation.
  if (ended?.isProgress) {
    await ledger.recordProgress(videoId, Math.floor(dependencies.now().getTime() / 1_000));
    await ledger.recordUsage(videoId, dependencies.takeUsage());
  }
  const announce = announcer(identity, request.messageId, dependencies);
  for (const missing of ended?.missing ?? [])
    await announce("SegmentRangeRequested", eventData.rangeRequested(video.upload, missing));
  // Not earlier: if the outcome can't be recorded, the work is done again and would be counted
  // twice.
  dependencies.measure(measurement);
  return outcome;
}

type Video = LaterRequest & { request: SplitRequest; found: FoundSource };

/**
 * The range that is requested; undefined: all of the video. It's found before the idempotency
 * record is taken: each range has its own, and the rest of the video has one.
 */
async function rangeOf({ request, upload, ledger }: Video): Promise<SegmentRange | undefined> {
  const { continuation } = request;
  if (continuation === undefined) return undefined;
  const { ranges } = await ledger.recall(upload.videoId);
  return ranges?.ranges.find(({ last }) => last === continuation.lastSegment);
}

/**
 * The outcome of this delivery's own work, or the answer if another delivery has done it or is
 * doing it.
 */
function answer(
  video: Video,
  done: { result: SplitOutcome } | { busyWith: string | undefined },
  worked: boolean,
  requestHash: string,
): Promise<SplitOutcome> | SplitOutcome {
  if ("busyWith" in done) return answerBusy(video, done.busyWith === requestHash);
  return worked ? done.result : answerSplit(video, done.result);
}

/** `measurement` is undefined where nothing was done. */
type Ending = {
  outcome: SplitOutcome;
  measurement?: Measurement;
  /** The segments that other invocations must make. */
  missing?: readonly eventData.Missing[];
  /** Segments were made, and the video isn't split yet. */
  isProgress?: boolean;
};

/** An earlier split is checked first: a request doesn't change a split that was announced. */
async function workOn(
  video: Video,
  range: SegmentRange | undefined,
  dependencies: SplitDependencies,
  signal: AbortSignal,
): Promise<Ending | "already split"> {
  const { upload, requested, ledger, request } = video;
  const { choice, isSplit, ranges } = await ledger.recall(upload.videoId);
  if (isSplit) return "already split";
  if (request.continuation !== undefined && choice === undefined) {
    const why = "the split to continue was rejected";
    video.log.info(`Skipped: ${why}`);
    return { outcome: { outcome: "skipped", why } };
  }
  if (choice !== undefined && !meets(choice, requested)) {
    const outcome = await refuse(video, "AlreadyBegun", choice);
    // A valid request still continues the split as it was begun.
    if (requested.fault !== undefined) return { outcome };
  }
  if (ranges !== undefined && range === undefined) return requestedAgain(video, ranges);
  const own = ranges && range && { range, recorded: ranges };
  return splitOnce(video, { begunWith: choice, own }, dependencies, signal);
}

/**
 * Requests the ranges of a video that aren't finished. Where another invocation cuts one, its
 * request does nothing.
 */
function requestedAgain({ upload, log }: Video, recorded: RecordedRanges): Ending {
  const left = unfinished(recorded);
  // Each of them announces the end of the video, when it finds all finished.
  const again = left.length > 0 ? left : recorded.ranges.slice(-1);
  log.info("The video is divided into ranges: requested those that aren't finished", { ranges: again.length });
  return {
    outcome: { outcome: "continued", VideoId: upload.videoId, firstSegment: again[0]!.first },
    missing: again.map(requestOf),
  };
}

/**
 * The first announced segment is one of these: they are delivered in order, some concurrently.
 */
const FIRST_SEGMENTS = { first: 0, last: 7 };

/**
 * Ends a split with a rejection. This attempt's choice is deleted if no segment was announced: the
 * next request may choose another cut, as the rejection may recommend.
 */
async function reject(
  { upload, announce, ledger, log }: Video,
  { reason, message }: RejectedVideo | SourceUnavailableError,
  begunWith: CutChoice | undefined,
): Promise<Ending> {
  const { videoId } = upload;
  log.warn(`Rejected: ${message}`, { reason });
  await announce("VideoRejected", eventData.rejected(upload, reason, message));
  if (begunWith === undefined && (await isNothingMade(videoId, ledger))) await ledger.release(videoId);
  // A malformed request isn't about the object: the reconciler still checks the upload.
  if (reason !== "InvalidRequest") await ledger.recordEnding(videoId, "rejected");
  return {
    outcome: { outcome: "rejected", VideoId: videoId, reason },
    measurement: { type: "rejected", videoId, reason },
  };
}

async function isNothingMade(videoId: number, ledger: Ledger): Promise<boolean> {
  if ((await ledger.recall(videoId)).ranges !== undefined) return false;
  return (await ledger.delivered(videoId, FIRST_SEGMENTS)).size === 0;
}

async function splitOnce(
  video: Video,
  { begunWith, own }: { begunWith: CutChoice | undefined } & Pick<CutRequest, "own">,
  dependencies: SplitDependencies,
  signal: AbortSignal,
): Promise<Ending> {
  const { upload, request, found, requested, announce, log } = video;
  const { ledger, settings, now } = dependencies;
  const { videoId, bytes } = upload;
  try {
    const choice = accept(upload, found, requested, begunWith, settings);
    const cut = { requested: choice, isRetry: begunWith !== undefined, own };
    const result = await cutVideo(upload, cut, { ...dependencies, log }, announce, signal);
    if (result.type === "incomplete") return leftToOthers(video, result);
    const { segments, duration, begun } = result;
    await ledger.recordEnding(videoId, "split");
    const splitSeconds = secondsBetween(begun, now());
    log.info("Split", { segments });
    return {
      outcome: { outcome: "split", VideoId: videoId, segments },
      measurement: {
        ...{ type: "split", videoId, segments, videoSeconds: duration, videoBytes: bytes, splitSeconds },
        ...rangesOf(result, request),
      },
    };
  } catch (error) {
    if (!isRejection(error, request)) throw error;
    return reject(video, error, begunWith);
  }
}

const rangesOf = ({ rangesStarted, isRangeDone }: CutResult, { continuation }: SplitRequest): RangesMeasured => ({
  started: rangesStarted,
  finishedAfter: isRangeDone ? (continuation?.invocation ?? 1) : undefined,
});

/** This invocation made segments, and others make the rest. */
function leftToOthers({ upload, request, log }: Video, result: Extract<CutResult, { type: "incomplete" }>): Ending {
  const { videoId } = upload;
  const { made, left } = result;
  const invocation = request.continuation?.invocation ?? 1;
  const missing = left.map(({ first, last }, at) => ({
    firstSegment: first,
    lastSegment: last,
    // The first range continues the work of this invocation; the others were only planned by it.
    invocation: at === 0 ? invocation + 1 : FIRST_REQUEST,
  }));
  const [next] = missing;
  const measurement: Measurement = { type: "continued", videoId, segments: made, ...rangesOf(result, request) };
  const progress = { measurement, isProgress: true };
  if (next === undefined) {
    log.info("Range done: other invocations make the rest", { made });
    return { outcome: { outcome: "range done", VideoId: videoId }, ...progress };
  }
  log.info("Other invocations continue", { made, first_segment: next.firstSegment, invocation: next.invocation });
  return { outcome: { outcome: "continued", VideoId: videoId, firstSegment: next.firstSegment }, missing, ...progress };
}

/**
 * An upload that may not be read is an error in this service's configuration, not in the video.
 */
const isRejection = (error: unknown, { explicit }: SplitRequest): error is RejectedVideo | SourceUnavailableError =>
  error instanceof RejectedVideo || (error instanceof SourceUnavailableError && (explicit || !isForbidden(error)));

/** Undefined if the clock was set back. */
const secondsBetween = (begun: Date, ended: Date): number => Math.max(0, ended.getTime() - begun.getTime()) / 1_000;
