import { rm } from "node:fs/promises";
import { isCutFailure, isMediaFault, limitExceeded, OutOfTimeError, RejectedVideo } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import { nameOf } from "../video/source.ts";
import { type CutRun, type Delivery, deliverSegments } from "./deliver-segments.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import { MAX_FRAMES, MAX_PIXELS } from "./domain/budget.ts";
import { omittedSeconds } from "./domain/early-audio.ts";
import { PacketIndex } from "./domain/packet-index.ts";
import { largestAudioGap, largestDeviation, MAX_AUDIO_GAP_SECONDS, proofOf } from "./domain/proof.ts";
import { undecodableStretches } from "./domain/undecodable.ts";
import { planCut, type SplitPlan } from "./plan-cut.ts";
import type { CutChoice } from "./ports/ledger.ts";
import type { DescribedMedia, MediaDescription } from "./ports/media-tools.ts";
import type { ScannedSource } from "./ports/saved-indexes.ts";

/**
 * If the header's frame rate and the counted one differ by more than this share, the counted one is
 * used.
 */
const FPS_TOLERANCE = 0.2;

/**
 * `omitted_tracks` names at most this many, so that a file with thousands can't outgrow an event.
 */
const MAX_OMITTED = 100;

/** `isRetry`: an earlier attempt has planned the cut. */
export type CutRequest = { requested: CutChoice; isRetry: boolean };

/** A source whose packets were read within this time is read again by the next attempt. */
const MAX_UNSAVED_SCAN_SECONDS = 10;

/** The result of a split. */
export type CutResult =
  | { type: "split"; segments: number; duration: number }
  /** Segments were made, and others are missing: indexes of the first and the last of those. */
  | { type: "out of time"; made: number; firstMissing: number; lastSegment: number };

/**
 * Cuts one upload, and announces the plan, each segment that is stored, and the end. Throws
 * `RejectedVideo` for what can't be split, and `signal`'s reason, unless time ran out and segments
 * were made: then the next invocation goes on. It always removes its temporary files.
 */
export async function cutVideo(
  upload: eventData.Upload,
  { requested, isRetry }: CutRequest,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<CutResult> {
  const { media, store, ledger, log, makeTemporaryFolder } = dependencies;
  const opened = await media.open({
    size: upload.bytes,
    read: (start, end, reading) => store.read(upload.source, start, end, reading),
  });
  let directory: string | undefined;
  try {
    directory = await makeTemporaryFolder();
    const media = await read("NotMedia", () => opened.describe(signal));
    const description = assertVideo(media.description);
    const known = isRetry ? await dependencies.indexes.load(upload.videoId, signal) : undefined;
    const { scanned, isSaved } =
      known === undefined
        ? await scanAndSave(media, upload.videoId, dependencies, signal)
        : { scanned: known, isSaved: false };
    const { index, truncated } = scanned;
    let plan = planCut(index, requested, description.video);
    // Recorded only once it is planned: after a rejection, another choice can be requested.
    const { choice, isFirst } = await ledger.choose(upload.videoId, requested);
    if (choice.segmentSeconds !== requested.segmentSeconds || choice.cut !== requested.cut) {
      log.warn("Keeping the cut chosen by an earlier attempt", { choice, requested });
      plan = planCut(index, choice, description.video);
    }
    const properties = propertiesOf(description, plan);
    await announce("SplitPlanned", eventData.planned(upload, properties, choice, plan, omittedOf(description, plan)));
    log.info("Planned", { segments: plan.segments.length, duration: plan.duration, frames: plan.frames });

    const { extension } = nameOf(upload.source.key);
    const { length } = plan.segments;
    const delivered = isFirst ? new Map() : await ledger.delivered(upload.videoId, length, signal);
    if (delivered.size > 0) log.info("Continuing an earlier attempt", { delivered: delivered.size });
    const reading = { media, pause: opened.pause, resume: opened.resume };
    const run = { upload, choice, plan, properties, directory, extension, delivered, made: new Set<number>(), reading };
    let delivery: Delivery;
    try {
      delivery = await deliverSegments(run, dependencies, announce, signal);
    } catch (error) {
      // An error after the signal was aborted is a result of it. If no segment was made, and
      // the next invocation has to read as much, it would make none either.
      if (!isOutOfTime(signal) || (run.made.size === 0 && !isSaved)) throw error;
      return leftBy(run);
    }
    const result = resultOf(plan, delivery, index, truncated);
    if (result.truncatedAt !== undefined)
      log.warn("The source can't be read to its end", { until: result.truncatedAt });
    await announce(
      "VideoSplit",
      eventData.split(upload, properties, choice, { ...plan, duration: result.duration }, result),
    );
    return { type: "split", ...result };
  } finally {
    await opened.close();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
}

const isOutOfTime = ({ reason }: AbortSignal): boolean => reason instanceof OutOfTimeError;

function leftBy({ plan, delivered, made }: CutRun): CutResult {
  const lastSegment = plan.segments.length - 1;
  const isMissing = ({ index }: { index: number }): boolean => !delivered.has(index) && !made.has(index);
  // When none is missing, `VideoSplit` still has to be announced.
  const firstMissing = plan.segments.find(isMissing)?.index ?? lastSegment;
  return { type: "out of time", made: made.size, firstMissing, lastSegment };
}

/** Reads the index, and saves it for later attempts if that took long. `isSaved`: it was saved. */
async function scanAndSave(
  media: DescribedMedia,
  videoId: number,
  { indexes, now, log }: SplitDependencies,
  signal: AbortSignal,
): Promise<{ scanned: ScannedSource; isSaved: boolean }> {
  const begun = now().getTime();
  const scanned = await scanPackets(media, signal);
  const seconds = (now().getTime() - begun) / 1_000;
  if (seconds <= MAX_UNSAVED_SCAN_SECONDS) return { scanned, isSaved: false };
  const isSaved = await indexes.save(videoId, scanned, signal);
  log.info(isSaved ? "Saved the packet index" : "The packet index can't be saved", { seconds });
  return { scanned, isSaved };
}

async function scanPackets(media: DescribedMedia, signal: AbortSignal): Promise<ScannedSource> {
  const index = new PacketIndex();
  const { truncated, losses = [] } = await read("UnreadableMedia", () =>
    media.scan(signal, (packet) => {
      if (index.count === MAX_FRAMES)
        throw limitExceeded(`The video has more than ${MAX_FRAMES} frames. Upload it in parts.`);
      index.add(packet);
    }),
  );
  losses.forEach(index.addLoss);
  return { index, truncated };
}

/** The result of a plan, from the measurements of the segments. */
function resultOf(plan: SplitPlan, { proofs, undecodableFrom }: Delivery, index: PacketIndex, truncated: boolean) {
  const [first, last] = [proofs[0], proofs.at(-1)];
  if (first === undefined || last === undefined) {
    throw new RejectedVideo(
      "UnreadableMedia",
      "No frame of the video can be decoded. Check that the upload is complete.",
    );
  }
  const isWhole = undecodableFrom === undefined;
  const duration = last.end - first.start;
  const frames = proofs.reduce((sum, proof) => sum + proof.frames, 0);
  const held = proofs.reduce((sum, { undecodable }) => sum + undecodable, frames);
  const counted = plan.isCountedByPackets ? plan.frames + plan.undecodable : frames;
  if (plan.cut.kind === "keyframe" && plan.isCountedByPackets && isWhole && held !== counted) {
    throw new RejectedVideo(
      "ProofFailed",
      `The segments hold ${held} frames and the video ${counted}. Request the cut "exact", which encodes what can't be copied.`,
    );
  }
  const gap = largestAudioGap(proofs);
  if (gap !== undefined && gap > MAX_AUDIO_GAP_SECONDS) {
    const milliseconds = Math.round(gap * 1_000);
    throw new RejectedVideo("ProofFailed", `The audio has a gap of ${milliseconds} ms that the source doesn't have.`);
  }
  const boundaries = proofs.map(({ start }, at) => ({ requestedStart: plan.segments[at]!.requestedStart, start }));
  return {
    segments: proofs.length,
    duration,
    frames,
    proof: proofOf(proofs, Math.max(counted, frames), largestDeviation(boundaries, index, plan.origin)),
    truncatedAt: truncated || !isWhole ? duration : undefined,
    undecodable: undecodableStretches(proofs, index, plan.origin),
  };
}

/**
 * Runs a reading of the source. If all bytes were fetched and ffmpeg can't read them, the video is
 * rejected.
 */
async function read<T>(reason: "NotMedia" | "UnreadableMedia", reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (error) {
    if (isCutFailure(error)) {
      const what = `The video can't be read: ${error.message}`;
      throw new RejectedVideo(error.reason, `${what}. Export it again, as one whole file.`, { cause: error });
    }
    if (!isMediaFault(error)) throw error;
    const what =
      reason === "NotMedia" ? "This is no media file of an accepted container" : "The video's packets can't be read";
    throw new RejectedVideo(
      reason,
      `${what} (ffmpeg: ${error.stderr || "no message"}). Check that the upload is complete.`,
      { cause: error },
    );
  }
}

/** A description whose video track is there and known. */
type VideoDescription = MediaDescription & { video: NonNullable<MediaDescription["video"]> & { codec: string } };

function assertVideo(description: MediaDescription): VideoDescription {
  const { video } = description;
  if (video === undefined) {
    throw new RejectedVideo("NoVideoStream", "The file has no video track. Upload a video.");
  }
  const { codec, tag, size } = video;
  if (codec === undefined) {
    throw new RejectedVideo(
      "UnknownCodec",
      `The video's codec (${tag}) isn't one that this service reads. Convert the video to H.264, for one, and upload it again.`,
    );
  }
  if (size[0] <= 0 || size[1] <= 0) {
    throw new RejectedVideo(
      "UnreadableMedia",
      "The video's size can't be found: it holds no frame that can be decoded.",
    );
  }
  if (size[0] * size[1] > MAX_PIXELS) {
    throw new RejectedVideo(
      "UnreadableMedia",
      `The video's header says that its frames have ${size[0]} x ${size[1]} pixels, more than can be decoded. Scale it down.`,
    );
  }
  return { ...description, video: { ...video, codec } };
}

function propertiesOf({ video, audio }: VideoDescription, { frames, duration }: SplitPlan): eventData.VideoProperties {
  const counted = frames / duration;
  const header = video.averageFps;
  const isWrong = header === undefined || Math.abs(header - counted) > FPS_TOLERANCE * counted;
  return {
    size: video.size,
    fps: eventData.roundedFps(isWrong ? counted : header),
    audio: audio.length > 0,
    video_codec: video.codec,
    audio_codecs: audio.flatMap(({ codec }) => codec ?? []),
  };
}

const omittedOf = ({ others, audio }: MediaDescription, { origin }: SplitPlan): eventData.Omitted => ({
  tracks: others.slice(0, MAX_OMITTED).map(({ index, type, codec, tag }) => ({ index, type, codec: codec ?? tag })),
  audioSeconds: omittedSeconds(
    origin,
    audio.map(({ start }) => start),
  ),
});
