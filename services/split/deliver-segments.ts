import { rm } from "node:fs/promises";
import pLimit from "p-limit";
import { isCutFailure, isMediaFault, RejectedVideo } from "../video/errors.ts";
import * as facts from "../video/event-data.ts";
import { OUTPUT_MARKER } from "../video/segment-keys.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import type { SegmentProof } from "./domain/proof.ts";
import type { SplitPlan } from "./plan-cut.ts";
import type { CutChoice, DeliveredSegment } from "./ports/ledger.ts";
import type { Container, MadeSegment, MediaDescription, OpenMedia } from "./ports/media-tools.ts";

/** Bytes of finished segments that may wait on disk; beyond it the reading is held back. */
const MOST_BACKLOG_BYTES = 64 * 1024 * 1024;

/** Segments uploaded at the same time. */
const DELIVERIES_AT_ONCE = 3;

export type CutRun = {
  upload: facts.Upload;
  choice: CutChoice;
  plan: SplitPlan;
  picture: facts.Picture;
  description: MediaDescription;
  directory: string;
  /** Of the source. */
  extension: string;
  /** What earlier attempts have done. */
  delivered: ReadonlyMap<number, DeliveredSegment>;
};

/**
 * Cuts and delivers: each segment is uploaded, announced and deleted while the next ones are cut. Resolves with what was
 * measured on each when all of them were accepted by the bus: fewer than planned where the source couldn't be read that
 * far. Tries the next container when the one before can't hold the tracks. What an earlier attempt has uploaded isn't made
 * again, and announced if that is all it lacks.
 */
export async function deliverSegments(
  run: CutRun,
  opened: OpenMedia,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
): Promise<SegmentProof[]> {
  await announceDelivered(run, dependencies, announce);
  if (run.delivered.size === run.plan.segments.length) return proofsOf(run.delivered);
  let refusal: unknown;
  for (const container of containersOf(run, opened)) {
    const delivery = startDelivery(run, container, opened, dependencies, announce, signal);
    try {
      return await delivery.toEnd();
    } catch (error) {
      const failure = opened.readFailure();
      if (failure !== undefined) throw failure;
      if (!isOfTheFile(error)) throw error;
      // Once a segment was announced, its container is a fact.
      if (delivery.begun() + run.delivered.size > 0) throw damaged(delivery.begun() + run.delivered.size, error);
      refusal = error;
      dependencies.log.info(`${container.muxer} can't hold these tracks`, { why: detailOf(error) });
    }
  }
  if (isCutFailure(refusal)) throw rejectionOf(refusal.reason, detailOf(refusal), refusal);
  throw new RejectedVideo(
    "UnreadableMedia",
    `No container that ffmpeg writes can hold the video's tracks (ffmpeg: ${detailOf(refusal)}).`,
    { cause: refusal },
  );
}

const proofsOf = (delivered: CutRun["delivered"]): SegmentProof[] =>
  [...delivered].sort(([one], [other]) => one - other).map(([, { proof }]) => proof);

/** Once a segment was uploaded, its container is a fact. */
function containersOf({ description, extension, delivered }: CutRun, opened: OpenMedia): Container[] {
  const [known] = delivered.values();
  const containers = opened.containers(description, extension);
  return known === undefined ? containers : containers.filter((one) => one.extension === known.object.extension);
}

async function announceDelivered(run: CutRun, dependencies: SplitDependencies, announce: Announce): Promise<void> {
  const limit = pLimit(DELIVERIES_AT_ONCE);
  const left = [...run.delivered].filter(([, { announced }]) => !announced);
  await Promise.all(
    left.map(([index, segment]) => limit(() => announceSegment(run, index, segment, dependencies, announce))),
  );
}

async function announceSegment(
  { upload, picture, plan }: CutRun,
  index: number,
  delivered: DeliveredSegment,
  { ledger, log }: SplitDependencies,
  announce: Announce,
): Promise<void> {
  const segment = plan.segments[index];
  if (segment === undefined) throw new Error(`ffmpeg made segment ${index}, and ${plan.segments.length} were planned`);
  const { object } = delivered;
  await announce("SegmentCreated", facts.segmentCreated(upload, picture, segment, object), index);
  await ledger.recordSegment(upload.videoId, index, { ...delivered, announced: true });
  log.info("Segment announced", { segment_index: index, made: object.made });
}

/** Whether the file is at fault, and not the machine: another machine, or a larger /tmp, can do it. */
const isOfTheFile = (error: unknown): boolean =>
  (isMediaFault(error) || isCutFailure(error)) && !detailOf(error).includes("No space left on device");

const detailOf = (error: unknown): string => {
  if (isMediaFault(error)) return error.stderr || "no message";
  return error instanceof Error ? error.message : String(error);
};

const REPAIR = 'Repair it with "ffmpeg -i VIDEO -c copy REPAIRED" and upload that.';

function rejectionOf(reason: RejectedVideo["reason"], detail: string, cause: unknown): RejectedVideo {
  const message = {
    UnsupportedCut: `The video can't be cut exactly here: ${detail}. Ask for the cut "keyframe", which encodes nothing.`,
    ProofFailed: `The segments aren't what they must be (${detail}), so they weren't announced as a whole. Convert the video to H.264 in MP4 and upload that.`,
  };
  const known = reason === "UnsupportedCut" || reason === "ProofFailed";
  return new RejectedVideo(reason, known ? message[reason] : `The video can't be cut (${detail}). ${REPAIR}`, {
    cause,
  });
}

const damaged = (made: number, cause: unknown): RejectedVideo => {
  const reason = isCutFailure(cause) ? cause.reason : "UnreadableMedia";
  const what = `The video can't be cut beyond its first ${made} segments (${detailOf(cause)})`;
  return new RejectedVideo(reason, `${what}. ${REPAIR}`, { cause });
};

function startDelivery(
  run: CutRun,
  container: Container,
  opened: OpenMedia,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
) {
  const { plan, description, directory } = run;
  const proofs: SegmentProof[] = [];
  for (const [index, { proof }] of run.delivered) proofs[index] = proof;
  const from = plan.segments.findIndex(({ index }) => !run.delivered.has(index));
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const limit = pLimit(DELIVERIES_AT_ONCE);
  let begun = 0;
  let backlog = 0;

  const deliver = async (file: MadeSegment): Promise<void> => {
    if (!run.delivered.has(file.index)) {
      const object = await uploadSegment(run, container, file, dependencies, ending);
      const delivered = { object, proof: file.proof, announced: false };
      await dependencies.ledger.recordSegment(run.upload.videoId, file.index, delivered);
      await announceSegment(run, file.index, delivered, dependencies, announce);
      proofs[file.index] = file.proof;
    }
    await rm(file.path);
    backlog -= file.bytes;
    if (backlog <= MOST_BACKLOG_BYTES) opened.resume();
  };

  const toEnd = async (): Promise<SegmentProof[]> => {
    const deliveries: Promise<void>[] = [];
    try {
      const { cut } = plan;
      const { log } = dependencies;
      const files = opened.cut({ description, container, cut, from, directory, signal: ending, log });
      for await (const file of files) {
        begun += 1;
        backlog += file.bytes;
        if (backlog > MOST_BACKLOG_BYTES) opened.pause();
        deliveries.push(limit(() => deliver(file)).catch((error: unknown) => failed.abort(error)));
      }
      await Promise.all(deliveries);
      ending.throwIfAborted();
      const holes = proofs.length - Object.keys(proofs).length;
      if (holes > 0) throw new Error(`${holes} segments are missing between those that were made`);
      return proofs;
    } finally {
      failed.abort(new Error("the delivery has ended"));
      await Promise.all(deliveries);
    }
  };

  return { toEnd, begun: () => begun };
}

async function uploadSegment(
  { upload, choice }: CutRun,
  container: Container,
  file: MadeSegment,
  { store, settings }: SplitDependencies,
  signal: AbortSignal,
): Promise<facts.SegmentObject> {
  const { outputBucket: bucket } = settings;
  const { outputKeyPrefix: prefixTemplate } = choice;
  const { extension, contentType } = container;
  const { key } = facts.segmentLocation(upload, file.index, prefixTemplate, extension);
  const metadata = { [OUTPUT_MARKER]: String(upload.videoId), "video-split-segment-index": String(file.index) };
  const checksum = await store.upload({ path: file.path, bucket, key, contentType, metadata, signal });
  const { bytes, made, codec: videoCodec, audioCodecs } = file;
  const { frames } = file.proof;
  return { bucket, prefixTemplate, extension, bytes, checksum, frames, made, videoCodec, audioCodecs };
}
