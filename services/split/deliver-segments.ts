import { rm } from "node:fs/promises";
import pLimit from "p-limit";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import type { CutPlan } from "./domain/cut-plan.ts";
import * as facts from "./domain/facts.ts";
import { OUTPUT_MARKER } from "./domain/segment-keys.ts";
import { isMediaFault, type MediaFault, RejectedVideo } from "./errors.ts";
import type { Container, CutChoice, MediaDescription, OpenMedia, SegmentFile } from "./ports.ts";

/** Bytes of finished segments that may wait on disk; beyond it the reading is held back. */
const MOST_BACKLOG_BYTES = 64 * 1024 * 1024;

/** Segments measured and uploaded at the same time. */
const DELIVERIES_AT_ONCE = 3;

export type CutRun = {
  upload: facts.Upload;
  choice: CutChoice;
  plan: CutPlan;
  picture: facts.Picture;
  description: MediaDescription;
  directory: string;
  /** Of the source. */
  extension: string;
};

/**
 * Cuts and delivers: each segment is uploaded, announced and deleted while the next ones are cut. Resolves when all of
 * them were accepted by the bus. Tries the next container when the one before can't hold the tracks.
 */
export async function deliverSegments(
  run: CutRun,
  opened: OpenMedia,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<void> {
  let refusal: unknown;
  for (const container of opened.containers(run.description, run.extension)) {
    const delivery = startDelivery(run, container, opened, dependencies, announce, signal);
    try {
      return await delivery.toEnd();
    } catch (error) {
      const failure = opened.readFailure();
      if (failure !== undefined) throw failure;
      if (!isMediaFault(error) || isOutOfSpace(error)) throw error;
      // Once a segment was announced, its container is a fact.
      if (delivery.begun() > 0) throw damaged(delivery.begun(), error.stderr, error);
      refusal = error;
      dependencies.log.info(`${container.muxer} can't hold these tracks`, { ffmpeg: error.stderr });
    }
  }
  const stderr = isMediaFault(refusal) ? refusal.stderr : "no message";
  throw new RejectedVideo(
    "UnreadableMedia",
    `No container that ffmpeg writes can hold the video's tracks (ffmpeg: ${stderr}).`,
    {
      cause: refusal,
    },
  );
}

/** The machine's fault, not the file's: another machine, or a larger /tmp, can do it. */
const isOutOfSpace = ({ stderr }: MediaFault): boolean => stderr.includes("No space left on device");

const damaged = (made: number, detail: string, cause?: unknown): RejectedVideo =>
  new RejectedVideo(
    "UnreadableMedia",
    `The video can't be cut beyond its first ${made} segments (${detail}). Repair it with "ffmpeg -i VIDEO -c copy REPAIRED" and upload that.`,
    { cause },
  );

function startDelivery(
  run: CutRun,
  container: Container,
  opened: OpenMedia,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
) {
  const { plan, description, directory } = run;
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const limit = pLimit(DELIVERIES_AT_ONCE);
  let begun = 0;
  let backlog = 0;

  const deliver = async (file: SegmentFile): Promise<void> => {
    const object = await uploadSegment(run, container, file, opened, dependencies, ending);
    const segment = plan.segments[file.index];
    if (segment === undefined)
      throw new Error(`ffmpeg made segment ${file.index}, and ${plan.segments.length} were planned`);
    await announce("SegmentCreated", facts.segmentCreated(run.upload, run.picture, segment, object), file.index);
    await rm(file.path);
    backlog -= file.bytes;
    if (backlog <= MOST_BACKLOG_BYTES) opened.resume();
  };

  const toEnd = async (): Promise<void> => {
    const deliveries: Promise<void>[] = [];
    try {
      const files = opened.cut({
        format: description.format,
        video: description.video?.index ?? 0,
        audio: description.audio.map(({ index }) => index),
        container,
        starts: plan.segments.slice(1).map(({ firstFrame }) => firstFrame),
        directory,
        signal: ending,
      });
      for await (const file of files) {
        begun += 1;
        backlog += file.bytes;
        if (backlog > MOST_BACKLOG_BYTES) opened.pause();
        deliveries.push(limit(() => deliver(file)).catch((error: unknown) => failed.abort(error)));
      }
      await Promise.all(deliveries);
      ending.throwIfAborted();
      if (begun !== plan.segments.length) {
        throw damaged(begun, `${plan.segments.length} segments were planned`);
      }
    } finally {
      failed.abort(new Error("the delivery has ended"));
      await Promise.all(deliveries);
    }
  };

  return { toEnd, begun: () => begun };
}

async function uploadSegment(
  { upload, choice, plan }: CutRun,
  container: Container,
  file: SegmentFile,
  opened: OpenMedia,
  { store, settings }: SplitDependencies,
  signal: AbortSignal,
): Promise<facts.SegmentObject> {
  const frames = await opened.countFrames(file.path, signal);
  const expected = plan.segments[file.index]?.frames;
  if (frames !== expected) throw damaged(file.index, `segment ${file.index} holds ${frames} of ${expected} frames`);
  const { outputBucket: bucket } = settings;
  const { outputKeyPrefix: prefixTemplate } = choice;
  const { extension, contentType } = container;
  const { key } = facts.segmentLocation(upload, file.index, prefixTemplate, extension);
  const metadata = { [OUTPUT_MARKER]: String(upload.videoId), "video-split-segment-index": String(file.index) };
  const checksum = await store.upload({ path: file.path, bucket, key, contentType, metadata, signal });
  return { bucket, prefixTemplate, extension, bytes: file.bytes, checksum, frames };
}
