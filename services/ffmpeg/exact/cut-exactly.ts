import type { Container, ExactCut, MadeSegment } from "../../split/ports/media-tools.ts";
import type { Log } from "../../video/ports/log.ts";
import { type AssemblyContext, assembleSegments } from "../assembly/assemble.ts";
import { concurrentMuxes } from "../assembly/memory-estimate.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import { isIso } from "../formats/containers.ts";
import { isNalCodec } from "../formats/nal/units.ts";
import { CutFailedError, isCausedByFile } from "../process/errors.ts";
import type { SourceAddress } from "../process/sandbox.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import type { ContainerMetadata } from "../source/container-metadata.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { encoderConcurrency, tooLargeToEncodeError } from "./encoder-concurrency.ts";
import { type Encoder, encodersFor, hasAlpha } from "./encoders.ts";
import { Reencoder } from "./reencoder.ts";
import { Stitcher } from "./stitcher.ts";

export type ExactCutJob = {
  binary: string;
  address: SourceAddress;
  /** ffprobe's name of the source's container. */
  format: string;
  /** Whether its tracks are looked for further into the file. */
  isDeep?: boolean;
  /** ffmpeg's index of the picture. */
  video: number;
  picture: VideoFormat;
  /** What the source's container calls its codec. */
  tag: string;
  /** Bytes of one picture in memory. */
  bytesPerFrame: number;
  /** In pixels, as coded. */
  size: [number, number];
  /** The same as displayed. */
  shownSize: [number, number];
  audio: readonly AudioTrack[];
  container: Container;
  metadata: ContainerMetadata;
  /** Of a source that is HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  cut: ExactCut;
  /** Decoder's configurations of the source's sample descriptions, where it has several; else empty. */
  configurations: readonly Buffer[];
  /** The first segment that is needed. */
  from: number;
  directory: string;
  signal: AbortSignal;
  log: Pick<Log, "info" | "warn">;
};

/** AVI says when packets are decoded, and not when they are shown. */
const LACKS_PRESENTATION_TIMES = ["avi"];

function canStitch({ picture, format, size, cut }: ExactCutJob, encoder: Encoder): boolean {
  if (!isNalCodec(picture.codec) || encoder.codec !== picture.codec) return false;
  if (LACKS_PRESENTATION_TIMES.includes(format)) return false;
  return cut.plan.jobs !== undefined && size.every((pixels) => pixels % 2 === 0);
}

/** How to make the segments: an encoder, for the boundaries alone or for everything. */
type CutMethod = { encoder: Encoder; kind: "stitch" | "encode"; concurrentJobs: number };

/** An encoder that fits into the memory, run so that it does; none where it doesn't. */
function fitToMemory(encoder: Encoder, bytesPerFrame: number): Pick<CutMethod, "encoder" | "concurrentJobs">[] {
  const concurrency = encoderConcurrency(encoder, bytesPerFrame);
  if (concurrency === undefined) return [];
  const { jobs, threads } = concurrency;
  const options = threads === undefined ? encoder.options : [...encoder.options, "-threads", String(threads)];
  return [{ encoder: { ...encoder, options }, concurrentJobs: jobs }];
}

/**
 * Cuts on the very frames: copies and encodes only around boundaries where that works, else
 * encodes. Yields each segment in order, complete and proven; the reader owns its file. Throws
 * `CutFailedError` where there's no encoder for it and where what was encoded isn't what it must
 * be, `FfmpegError` where ffmpeg can't read the source or write the container, the signal's reason
 * when aborted, `RejectedVideo` (LimitExceeded) where the picture is too large to be encoded, and what
 * is the machine's fault: see docs/decisions/failing-ffmpeg.md. No process
 * and no temporary file is left, however it ends.
 */
export async function* cutExactly(job: ExactCutJob): AsyncGenerator<MadeSegment> {
  const encoders = await encodersFor(job.binary, job.picture, job.signal);
  if (encoders.length === 0) throw new CutFailedError("UnsupportedCut", whyNotEncoded(job.picture));
  const fitting = encoders.flatMap((encoder) => fitToMemory(encoder, job.bytesPerFrame));
  const [best] = fitting;
  if (best === undefined) throw tooLargeToEncodeError(job.shownSize);
  const methods = fitting.map((method): CutMethod => ({ ...method, kind: "encode" }));
  if (canStitch(job, best.encoder)) methods.unshift({ ...best, kind: "stitch" });
  let next = job.from;
  for (const [number, method] of methods.entries()) {
    try {
      for await (const segment of attempt(job, method, next)) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      job.signal.throwIfAborted();
      const following = methods[number + 1];
      // Only what the file is to blame for may go better in another method.
      if (following === undefined || !isCausedByFile(error)) throw error;
      const since = `${method.kind}: ${String(error)}`;
      job.log.warn(`Falls back to re-encoding (${following.encoder.codec})`, { from_segment: next, since });
    }
  }
}

const whyNotEncoded = (picture: VideoFormat): string =>
  hasAlpha(picture)
    ? `its pictures are transparent, and this ffmpeg can't encode that as ${picture.codec}`
    : `this ffmpeg encodes neither ${picture.codec} nor H.264`;

/** Makes the segments from number `from` on in one method. */
function attempt(job: ExactCutJob, method: CutMethod, from: number): AsyncGenerator<MadeSegment> {
  const starts = job.cut.plan.segments.map(({ start }) => start);
  return assembleSegments(
    { ...job, starts, from, concurrentMuxes: concurrentMuxes(job.bytesPerFrame) },
    method.kind,
    (context) => videoReader({ ...job, from }, method, context),
  );
}

function videoReader(job: ExactCutJob, method: CutMethod, { spools, assembly, signal }: AssemblyContext): VideoReader {
  const { binary, video, container, cut, configurations, from } = job;
  const { plan, index, segmentSeconds } = cut;
  const { encoder, concurrentJobs } = method;
  const { codec } = encoder;
  if (method.kind === "stitch" && isNalCodec(codec) && plan.jobs !== undefined) {
    const isStartCoded = container.muxer === "mpegts";
    const stitching = {
      binary,
      video,
      codec,
      encoder,
      concurrentJobs,
      plan,
      index,
      configurations,
      isStartCoded,
      from,
      spools,
      signal,
    };
    return new Stitcher(stitching, assembly);
  }
  const starts = plan.segments.map(({ start }) => start);
  // No other container has a place for how to turn them in every version of ffmpeg.
  const turnsPictures = !isIso(container);
  const reencoding = {
    video,
    encoder,
    picture: job.picture,
    size: job.shownSize,
    turnsPictures,
    starts,
    segmentSeconds,
    from,
  };
  return new Reencoder({ ...reencoding, spools, signal }, assembly);
}
