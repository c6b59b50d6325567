import { rm } from "node:fs/promises";
import pLimit from "p-limit";
import { OutOfTimeError, RejectedVideo } from "../video/errors.ts";
import * as eventData from "../video/event-data.ts";
import { segmentMetadata } from "../video/own-segments.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";
import type { SegmentProof } from "./domain/proof.ts";
import type { SegmentRange } from "./domain/ranges.ts";
import type { SplitPlan } from "./plan-cut.ts";
import type { CutChoice, DeliveredSegment, RecordedRanges } from "./ports/ledger.ts";
import type { Container, CutEnding, DescribedMedia, MadeSegment, OpenMedia } from "./ports/media-tools.ts";

/** Bytes of finished segments that may wait on disk; above it, reading pauses. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

/** Segments uploaded at the same time. */
const MAX_CONCURRENT_DELIVERIES = 3;

export type CutRun = {
  upload: eventData.Upload;
  choice: CutChoice;
  plan: SplitPlan;
  properties: eventData.VideoProperties;
  directory: string;
  /** Of the source. */
  extension: string;
  /** The segments to cut. Its end may be moved forward while it's cut: then others cut the rest. */
  range: SegmentRange;
  /** The last segment that there is time for; undefined until the time runs short. */
  stopAfter: number | undefined;
  /** The video's ranges; undefined while one invocation at a time cuts all of it. */
  recorded: RecordedRanges | undefined;
  /** How many ranges this invocation divided the video into. */
  rangesStarted: number;
  /** Those of them that it has recorded, doesn't cut itself, and hasn't requested yet. */
  unrequested: readonly SegmentRange[];
  /** What earlier attempts have done of the range. */
  delivered: ReadonlyMap<number, DeliveredSegment>;
  /** Indexes of the segments that this invocation has uploaded and recorded. */
  made: Set<number>;
  /** The last segment that is complete or in progress. */
  taken: number;
  /** Of the segments; undefined until one is made. */
  container: Pick<Container, "extension"> | undefined;
  /** The source, and how to pause reading it. */
  reading: { media: DescribedMedia } & Pick<OpenMedia, "pause" | "resume" | "readUpTo">;
};

/** What was delivered of a range, in all attempts. */
export type Delivery = {
  /** Of each of its segments, in order. */
  proofs: SegmentProof[];
  /** Seconds from the first frame; undefined where all of the source was cut. */
  undecodableFrom: number | undefined;
};

/**
 * Cuts, uploads and announces the range: while the next segments are cut, each one is uploaded,
 * announced and deleted; after that `onAnnounced` is called. Resolves when the bus has accepted all
 * of them, or fewer than planned where the source can't be decoded further. Tries the next
 * container when the one before can't hold the tracks. Segments that an earlier attempt has
 * uploaded aren't made again, only announced if necessary. Throws why the source couldn't be
 * fetched, `OutOfTimeError` after `stopAfter`, and `RejectedVideo` where it can't be cut.
 */
export async function deliverSegments(
  run: CutRun,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
  onAnnounced: () => Promise<void>,
): Promise<Delivery> {
  await announceDelivered(run, dependencies, announce);
  const { delivered } = run;
  if (delivered.size === lengthOf(run)) return { proofs: proofsOf(delivered), undecodableFrom: undefined };
  let refusal: Impossible | undefined;
  for (const container of containersOf(run)) {
    const { ending, proofs, made } = await deliverIn(container, run, dependencies, announce, signal, onAnnounced);
    switch (ending.type) {
      case "complete":
        if (proofs.length < lengthOf(run)) {
          if (run.stopAfter !== undefined) throw new OutOfTimeError(`No time is left after segment ${run.stopAfter}`);
          throw new Error("the cut is complete, and segments are missing");
        }
        return { proofs, undecodableFrom: undefined };
      case "undecodable":
        return { proofs, undecodableFrom: ending.from };
      case "not fetched":
        throw ending.error;
      case "impossible":
        // After a segment was announced, the container stays the same.
        if (made + delivered.size > 0) throw damaged(made + delivered.size, ending);
        refusal = ending;
        dependencies.log.info(`${container.muxer} can't hold these tracks`, { why: ending.detail });
    }
  }
  throw rejectionOf(refusal);
}

const lengthOf = ({ range }: CutRun): number => range.last - range.first + 1;

type Impossible = Extract<CutEnding, { type: "impossible" }>;

const proofsOf = (delivered: CutRun["delivered"]): SegmentProof[] =>
  [...delivered].sort(([one], [other]) => one - other).map(([, { proof }]) => proof);

/** After a segment was uploaded, the container stays the same. */
function containersOf({ reading, extension, container, plan }: CutRun): Container[] {
  const containers = reading.media.containers(extension, plan.cut.index);
  return container === undefined ? containers : containers.filter((one) => one.extension === container.extension);
}

async function announceDelivered(run: CutRun, dependencies: SplitDependencies, announce: Announce): Promise<void> {
  const limit = pLimit(MAX_CONCURRENT_DELIVERIES);
  const left = [...run.delivered].filter(([, { announced }]) => !announced);
  await Promise.all(
    left.map(([index, segment]) => limit(() => announceSegment(run, index, segment, dependencies, announce))),
  );
}

async function announceSegment(
  { upload, properties, plan }: CutRun,
  index: number,
  delivered: DeliveredSegment,
  { ledger, log }: SplitDependencies,
  announce: Announce,
): Promise<void> {
  const segment = plan.segments[index];
  if (segment === undefined) throw new Error(`ffmpeg made segment ${index}, and ${plan.segments.length} were planned`);
  const { object } = delivered;
  await announce("SegmentCreated", eventData.segmentCreated(upload, properties, segment, delivered));
  await ledger.recordSegment(upload.videoId, index, { ...delivered, announced: true });
  log.info("Segment announced", { segment_index: index, made: object.made });
}

const REPAIR = 'Repair it with "ffmpeg -i VIDEO -c copy REPAIRED" and upload that.';

function rejectionOf(refusal: Impossible | undefined): RejectedVideo {
  const { reason, detail, cause } = refusal ?? { reason: "UnreadableMedia", detail: "no container is left to try" };
  const options = { cause };
  switch (reason) {
    case "UnsupportedCut":
      return new RejectedVideo(
        reason,
        `The video can't be cut exactly here: ${detail}. Request the cut "keyframe", which encodes nothing.`,
        options,
      );
    case "ProofFailed":
      return new RejectedVideo(
        reason,
        `The segments failed their proof (${detail}), so the split wasn't announced as complete. Convert the video to H.264 in MP4 and upload that.`,
        options,
      );
    default:
      return new RejectedVideo(reason, `The video can't be cut, in any container (${detail}). ${REPAIR}`, options);
  }
}

const damaged = (made: number, { reason, detail, cause }: Impossible): RejectedVideo =>
  new RejectedVideo(reason, `The video can't be cut beyond its first ${made} segments (${detail}). ${REPAIR}`, {
    cause,
  });

/** Cuts into one container. `made`: how many segments were made. */
async function deliverIn(
  container: Container,
  run: CutRun,
  dependencies: SplitDependencies,
  announce: Announce,
  signal: AbortSignal,
  onAnnounced: () => Promise<void>,
): Promise<{ ending: CutEnding; proofs: SegmentProof[]; made: number }> {
  const { plan, directory, delivered, reading, range } = run;
  const isMissing = ({ index }: { index: number }): boolean =>
    index >= range.first && index <= range.last && !delivered.has(index);
  const proofs = new Map([...delivered].map(([index, { proof }]) => [index, proof]));
  const from = plan.segments.findIndex(isMissing);
  const last = plan.segments.findLastIndex(isMissing);
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const limit = pLimit(MAX_CONCURRENT_DELIVERIES);
  let made = 0;
  let backlog = 0;

  const deliver = async (file: MadeSegment): Promise<void> => {
    ending.throwIfAborted();
    if (!delivered.has(file.index)) {
      const object = await uploadSegment(run, container, file, dependencies, ending);
      const segment = { object, proof: file.proof, announced: false };
      await dependencies.ledger.recordSegment(run.upload.videoId, file.index, segment);
      run.made.add(file.index);
      run.container = container;
      await announceSegment(run, file.index, segment, dependencies, announce);
      proofs.set(file.index, file.proof);
      await onAnnounced();
    }
    await rm(file.path);
    backlog -= file.bytes;
    if (backlog <= MAX_BACKLOG_BYTES) reading.resume();
  };

  const { cut } = plan;
  const files = reading.media.cut({ container, cut, from, last, directory, signal: ending, log: dependencies.log });
  const deliveries: Promise<void>[] = [];
  try {
    const lastNeeded = () => Math.min(run.range.last, run.stopAfter ?? run.range.last);
    let next = await files.next();
    for (; next.done !== true && next.value.index <= lastNeeded(); next = await files.next()) {
      const file = next.value;
      run.taken = file.index;
      made += 1;
      backlog += file.bytes;
      if (backlog > MAX_BACKLOG_BYTES) reading.pause();
      deliveries.push(limit(() => deliver(file)).catch((error: unknown) => failed.abort(error)));
      // Of the planned cut, others make the rest.
      if (file.index < last && file.index >= lastNeeded()) break;
    }
    await Promise.all(deliveries);
    ending.throwIfAborted();
    const reached: CutEnding = next.done === true ? next.value : { type: "complete" };
    return { ending: reached, proofs: inOrder(proofs, range.first), made };
  } finally {
    failed.abort(new Error("the delivery has ended"));
    await Promise.all([...deliveries, files.return({ type: "complete" }).catch(() => {})]);
    reading.resume();
  }
}

/** Throws where one is missing between others. */
function inOrder(proofs: ReadonlyMap<number, SegmentProof>, first: number): SegmentProof[] {
  return Array.from({ length: proofs.size }, (_, at) => {
    const proof = proofs.get(first + at);
    if (proof === undefined) throw new Error(`segment ${first + at} is missing between those that were made`);
    return proof;
  });
}

async function uploadSegment(
  { upload, choice }: CutRun,
  container: Container,
  file: MadeSegment,
  { store, settings, hash }: SplitDependencies,
  signal: AbortSignal,
): Promise<eventData.SegmentObject> {
  const { outputBucket: bucket } = settings;
  const { outputKeyPrefix: prefixTemplate } = choice;
  const { extension, contentType } = container;
  const { key } = eventData.segmentLocation(upload, file.index, prefixTemplate, extension);
  const metadata = segmentMetadata(upload.videoId, file.index, file.bytes, hash);
  const checksum = await store.upload({ path: file.path, bucket, key, contentType, metadata, signal });
  const { bytes, made, codec: videoCodec, audioCodecs, audioMade } = file;
  const { frames } = file.proof;
  return { bucket, prefixTemplate, extension, bytes, checksum, frames, made, videoCodec, audioCodecs, audioMade };
}
