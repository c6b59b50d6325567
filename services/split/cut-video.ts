import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type EventData, MAX_SEGMENTS } from "#events-schema";
import { deliverSegments } from "./deliver-segments.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import { type CutPlan, keyframePlanner } from "./domain/cut-plan.ts";
import * as facts from "./domain/facts.ts";
import { nameOf } from "./domain/source.ts";
import { isMediaFault, RejectedVideo } from "./errors.ts";
import type { CutChoice, MediaDescription, OpenMedia } from "./ports.ts";

/** A frame rate for the length of a lone frame in a file whose header has none. */
const FALLBACK_FPS = 25;

/** Above this share the header's frame rate and the counted one contradict each other, and the counted one holds. */
const FPS_TOLERANCE = 0.2;

/** `omitted_tracks` names at most this many, so that a file with thousands can't outgrow an event. */
const MOST_OMITTED = 100;

/**
 * Cuts one upload, announcing what is planned, each segment as it becomes durable, and the whole. Returns the plan that
 * was carried out. Throws `RejectedVideo` for what can't be split; no temporary file is left however it ends.
 */
export async function cutVideo(
  upload: facts.Upload,
  wish: CutChoice,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<CutPlan> {
  const { media, store, ledger, log, temporaryFolder } = dependencies;
  const opened = await media.open({
    size: upload.bytes,
    read: (start, end, reading) => store.read(upload.source, start, end, reading),
  });
  const directory = await mkdtemp(join(temporaryFolder, "video-split-"));
  try {
    const description = assertVideo(await read(opened, "NotMedia", () => opened.describe(signal)));
    let plan = await planCut(opened, description, wish.segmentSeconds, signal);
    // Only a wish that works is recorded: after a rejection the upload can be asked for again with another one.
    const choice = await ledger.choose(upload.videoId, wish);
    if (choice.segmentSeconds !== wish.segmentSeconds) {
      log.warn("This upload was cut with another segment length before, which stays", { choice, wish });
      plan = await planCut(opened, description, choice.segmentSeconds, signal);
    }
    const picture = pictureOf(description, plan);
    await announce("SplitPlanned", facts.planned(upload, picture, choice, plan, omittedTracks(description)));
    log.info("Planned", { segments: plan.segments.length, duration: plan.duration, frames: plan.frames });

    const run = {
      upload,
      choice,
      plan,
      picture,
      description,
      directory,
      extension: nameOf(upload.source.key).extension,
    };
    await deliverSegments(run, opened, dependencies, announce, signal);
    await announce("VideoSplit", facts.split(upload, picture, choice, plan));
    return plan;
  } finally {
    await opened.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs a reading of the source. What ffmpeg can't read is rejected, unless it was S3 that failed. */
async function read<T>(
  opened: OpenMedia,
  reason: "NotMedia" | "UnreadableMedia",
  reading: () => Promise<T>,
): Promise<T> {
  try {
    const result = await reading();
    const failure = opened.readFailure();
    if (failure !== undefined) throw failure;
    return result;
  } catch (error) {
    const failure = opened.readFailure();
    if (failure !== undefined) throw failure;
    if (!isMediaFault(error)) throw error;
    const what =
      reason === "NotMedia" ? "This is no media file of an accepted container" : "The video's packets can't be read";
    throw new RejectedVideo(
      reason,
      `${what} (ffmpeg: ${error.stderr || "no message"}). Check that the upload is complete.`,
      {
        cause: error,
      },
    );
  }
}

/** A description whose video track is there and known. */
type VideoDescription = MediaDescription & { video: NonNullable<MediaDescription["video"]> & { codec: string } };

function assertVideo(description: MediaDescription): VideoDescription {
  const { video } = description;
  if (video === undefined) {
    throw new RejectedVideo(
      "NoVideoStream",
      "The file has no moving picture, so there is nothing to split. Upload a video.",
    );
  }
  const { codec, tag, size } = video;
  if (codec === undefined) {
    throw new RejectedVideo(
      "UnknownCodec",
      `This ffmpeg doesn't know the video's codec (${tag}). Convert the video to H.264, for one, and upload it again.`,
    );
  }
  if (size[0] <= 0 || size[1] <= 0) {
    throw new RejectedVideo(
      "UnreadableMedia",
      "The video's size can't be found: it holds no frame that can be decoded.",
    );
  }
  return { ...description, video: { ...video, codec } };
}

async function planCut(
  opened: OpenMedia,
  description: VideoDescription,
  segmentSeconds: number,
  signal: AbortSignal,
): Promise<CutPlan> {
  const planner = keyframePlanner(segmentSeconds);
  await read(opened, "UnreadableMedia", () => opened.scan(description, signal, planner.add));
  const plan = planner.finish(description.video.averageFps ?? FALLBACK_FPS);
  if (plan === undefined) {
    throw new RejectedVideo("UnreadableMedia", "The file announces a video track but holds no frame of it.");
  }
  if (plan.segments.length > MAX_SEGMENTS) {
    const many = `At ${segmentSeconds} seconds a segment there would be more than ${MAX_SEGMENTS} segments`;
    throw new RejectedVideo("TooManySegments", `${many}. Ask for longer segments with x-amz-meta-segment-seconds.`);
  }
  return plan;
}

function pictureOf({ video, audio }: VideoDescription, { frames, duration }: CutPlan): facts.Picture {
  const counted = frames / duration;
  const header = video.averageFps;
  const lies = header === undefined || Math.abs(header - counted) > FPS_TOLERANCE * counted;
  return {
    size: video.size,
    fps: facts.roundedFps(lies ? counted : header),
    audio: audio.length > 0,
    video_codec: video.codec,
    audio_codecs: audio.flatMap(({ codec }) => codec ?? []),
  };
}

const omittedTracks = ({ others }: MediaDescription): EventData<"SplitPlanned">["omitted_tracks"] =>
  others.slice(0, MOST_OMITTED).map(({ index, type, codec, tag }) => ({ index, type, codec: codec ?? tag }));
