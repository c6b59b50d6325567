import { type EncoderRun, encoderRuns, startOfRun } from "../../split/domain/encoder-runs.ts";
import { asTheyAre } from "../../split/domain/lost-frames.ts";
import { framesIn, undecodedIn } from "../../split/domain/missing-frames.ts";
import type { Container, ExactBoundary, ExactCut, MadeSegment } from "../../split/ports/media-tools.ts";
import type { Log } from "../../video/ports/log.ts";
import { type AssemblyContext, assembleSegments } from "../assembly/assemble.ts";
import { concurrentMuxes } from "../assembly/memory-estimate.ts";
import type { VideoReader } from "../assembly/read-source.ts";
import { isIso } from "../formats/containers.ts";
import { isNalCodec } from "../formats/nal/units.ts";
import { CutFailedError } from "../process/errors.ts";
import type { SourceAddress } from "../process/sandbox.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import type { ContainerMetadata } from "../source/container-metadata.ts";
import type { AudioTrack } from "../source/describe.ts";
import { LACKS_PRESENTATION_TIMES, type SeekPoint, showsAtOtherTimes } from "../source/seek-point.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { ANCHOR_FRAMES } from "./anchored/anchor-encoder.ts";
import { AnchoringState } from "./anchored/anchoring-state.ts";
import { copyAsIs } from "./copy-as-is.ts";
import { type CutWays, cutWithFallbacks, type Making } from "./cut-with-fallbacks.ts";
import { encoderConcurrency, tooLargeToEncodeError } from "./encoder-concurrency.ts";
import { type Encoder, encodersFor, hasAlpha } from "./encoders.ts";
import { Reencoder } from "./reencoder.ts";
import { RunReencoder } from "./run-reencoder.ts";
import { Stitcher } from "./stitcher.ts";

export type ExactCutJob = {
  binary: string;
  /** Path of ffprobe. */
  ffprobe: string;
  address: SourceAddress;
  /** The source's container, as ffprobe names it. */
  format: string;
  /** Whether ffmpeg probes further into the file for its tracks. */
  isDeep?: boolean;
  /** ffmpeg's index of the video stream. */
  video: number;
  videoFormat: VideoFormat;
  /** The source's sample entry or FourCC of the video codec, such as "hev1". */
  tag: string;
  /** Memory of one decoded frame. */
  bytesPerFrame: number;
  /** Frame size in pixels, as coded. */
  size: [number, number];
  /** Frame size in pixels, as displayed. */
  displaySize: [number, number];
  audio: readonly AudioTrack[];
  /** Further input options of the source. */
  inputOptions?: readonly string[];
  container: Container;
  metadata: ContainerMetadata;
  /** Of the source's video track. Default: unknown. */
  secondsPerTick?: number | undefined;
  /** Compares a segment's HDR metadata with the source's; undefined when the source isn't HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  cut: ExactCut;
  /** How the beginnings of segments are made in H.264. */
  boundary: ExactBoundary;
  /**
   * Body of avcC or hvcC of each sample description, when the source has several; otherwise empty.
   */
  configurations: readonly Buffer[];
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one. */
  last: number;
  /** Called when nothing more can be taken of the source, and when it can again. */
  hold?: ((isHeld: boolean) => void) | undefined;
  /** Called for each packet that was read. */
  onPacket?: (() => void) | undefined;
  /** Where reading begins. Default: at the start of the source. */
  seek?: SeekPoint | undefined;
  /** Where reading begins for a later segment. Default: at the start of the source. */
  seekTo?: (segment: number) => Promise<SeekPoint | undefined>;
  directory: string;
  signal: AbortSignal;
  log: Pick<Log, "info" | "warn">;
};

function canStitch({ videoFormat, format, size, cut }: ExactCutJob, encoder: Encoder): boolean {
  if (!isNalCodec(videoFormat.codec) || encoder.codec !== videoFormat.codec) return false;
  if (LACKS_PRESENTATION_TIMES.includes(format)) return false;
  return cut.plan.jobs !== undefined && size.every((pixels) => pixels % 2 === 0);
}

/**
 * Codecs whose packets are complete: others need what a container stores beside them, such as a
 * palette.
 */
const COMPLETE_PACKETS =
  /^(h264|hevc|vp[89]|av1|mpeg[12]video|mpeg4|msmpeg4v[23]|mjpeg|prores|ffv1|theora|flv1|h263|wmv[123]|vc1)$/;

/** Their packets aren't those of another reading: docs/decisions/ranges.md */
const LACKS_SAME_PACKETS = ["mpeg"];

/**
 * The runs of segments that an encoder makes, where the source's packets can be passed on to encoders.
 * Otherwise undefined: one encoder makes all that an invocation makes.
 */
function runsOf({ format, videoFormat, container, metadata, cut }: ExactCutJob): EncoderRun[] | undefined {
  const { plan, index } = cut;
  if (plan.jobs === undefined || index.hidesPackets || index.changesDescription) return undefined;
  if (!COMPLETE_PACKETS.test(videoFormat.codec ?? "")) return undefined;
  if ([...LACKS_PRESENTATION_TIMES, ...LACKS_SAME_PACKETS].includes(format)) return undefined;
  // What describes the track to the encoders doesn't state its rotation.
  if (!isIso(container) && metadata.displayMatrix !== undefined) return undefined;
  return encoderRuns(plan, index);
}

/**
 * An encoder, used at the boundaries ("stitch"), for runs of segments ("encode-runs"), or for all
 * frames ("encode").
 */
type CutMethod = {
  encoder: Encoder;
  kind: "stitch" | "encode-runs" | "encode";
  concurrentJobs: number;
  /** With "encode-runs". */
  runs?: readonly EncoderRun[];
  seek?: SeekPoint | undefined;
  /** Which heads may be anchored. Default: none. */
  anchoring?: AnchoringState;
};

/** The encoder with options that keep it within memory; empty when it doesn't fit. */
function fitToMemory(encoder: Encoder, bytesPerFrame: number): Pick<CutMethod, "encoder" | "concurrentJobs">[] {
  const concurrency = encoderConcurrency(encoder, bytesPerFrame);
  if (concurrency === undefined) return [];
  const { jobs, threads } = concurrency;
  const options = threads === undefined ? encoder.options : [...encoder.options, "-threads", String(threads)];
  return [{ encoder: { ...encoder, options }, concurrentJobs: jobs }];
}

/** How the best encoder runs where anchors are encoded beside it; undefined where there's no memory. */
function fitWithAnchors(
  encoders: readonly Encoder[],
  best: Pick<CutMethod, "encoder" | "concurrentJobs">,
  bytesPerFrame: number,
): Pick<CutMethod, "encoder" | "concurrentJobs"> | undefined {
  const larger = encoders.map((encoder) => ({ ...encoder, frames: encoder.frames + ANCHOR_FRAMES }));
  const [fitting] = larger.flatMap((encoder) => fitToMemory(encoder, bytesPerFrame));
  return fitting?.encoder.codec === best.encoder.codec ? fitting : undefined;
}

/**
 * Cuts at the exact frames. Copies and re-encodes only around boundaries where that works, and
 * otherwise re-encodes. Yields each segment in order, complete and proven; the caller owns its
 * file. Throws `CutFailedError` when no encoder supports the video or the result fails the proof;
 * `FfmpegError` when ffmpeg can't read the source or write the container; `RejectedVideo`
 * (LimitExceeded) when frames are too large to encode; the signal's reason; and failures of the
 * machine (docs/decisions/failing-ffmpeg.md). However it ends, no process and no temporary file is
 * left.
 */
export async function* cutExactly(job: ExactCutJob): AsyncGenerator<MadeSegment> {
  const encoders = await encodersFor(job.binary, job.videoFormat, job.signal);
  if (encoders.length === 0) throw new CutFailedError("UnsupportedCut", unsupportedReason(job.videoFormat));
  const fitting = encoders.flatMap((encoder) => fitToMemory(encoder, job.bytesPerFrame));
  const [best] = fitting;
  if (best === undefined) throw tooLargeToEncodeError(job.displaySize);
  const { cut } = job;
  const anchored = job.boundary === "anchored" ? fitWithAnchors(encoders, best, job.bytesPerFrame) : undefined;
  const anchoring = new AnchoringState(anchored !== undefined, job.log);
  const making =
    (method: Omit<CutMethod, "seek">, own = cut): Making =>
    ({ from, last, seek }) =>
      attempt({ ...job, cut: own, from, last }, { ...method, seek });
  const isStitchable = canStitch(job, best.encoder);
  const stitch = { ...(anchored ?? best), kind: "stitch", anchoring } as const;
  const runs = runsOf(job);
  const ways: CutWays = {
    withFewerAnchors: (segment) => anchoring.fail(segment),
    ...job,
    encodings: fitting.flatMap((fit) => {
      const { codec } = fit.encoder;
      const whole = { codec, make: making({ ...fit, kind: "encode" }), startOf: (segment: number) => segment };
      if (runs === undefined) return [whole];
      const inRuns = making({ ...fit, kind: "encode-runs", runs });
      return [{ codec, make: inRuns, startOf: (segment: number) => startOfRun(runs, segment) }, whole];
    }),
    stitch: isStitchable ? making(stitch) : undefined,
    copy: (end) => (range) =>
      isStitchable && cut.plan.jobs !== undefined
        ? making(stitch, { ...cut, plan: asTheyAre(cut.plan, range.from, end) })(range)
        : copyAsIs({ ...job, last: range.last, codec: job.videoFormat.codec ?? "" }, range.from, end),
  };
  yield* cutWithFallbacks(ways);
}

const unsupportedReason = (videoFormat: VideoFormat): string =>
  hasAlpha(videoFormat)
    ? `the video has transparency, which this ffmpeg can't encode as ${videoFormat.codec}`
    : `this ffmpeg can encode neither ${videoFormat.codec} nor H.264`;

/** Makes the job's segments with one method. */
function attempt(job: ExactCutJob, method: CutMethod): AsyncGenerator<MadeSegment> {
  const starts = job.cut.plan.segments.map(({ start }) => start);
  return assembleSegments(
    { ...job, starts, seek: method.seek, concurrentMuxes: concurrentMuxes(job.bytesPerFrame) },
    method.kind,
    (context) => videoReader(job, method, context),
  );
}

function videoReader(job: ExactCutJob, method: CutMethod, { spools, assembly, signal }: AssemblyContext): VideoReader {
  const { binary, video, container, cut, configurations, from, last } = job;
  const { plan, index, segmentSeconds } = cut;
  const { encoder, concurrentJobs, seek } = method;
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
      last,
      seek,
      spools,
      anchoring: method.anchoring ?? new AnchoringState(false, job.log),
      signal,
    };
    return new Stitcher(stitching, assembly);
  }
  const { videoFormat, displaySize: size } = job;
  if (method.runs !== undefined && plan.jobs !== undefined) {
    const source = { binary, video, videoFormat, size, plan, index, runs: method.runs };
    return new RunReencoder({ ...source, encoder, from, last, seek, spools, signal }, assembly);
  }
  const starts = plan.segments.map(({ start }) => start);
  const isRetimed = showsAtOtherTimes(job.format, index);
  // Only the ISO family stores rotation in a way that all ffmpeg versions support.
  const appliesRotation = !isIso(container);
  const reencoding = {
    video,
    encoder,
    videoFormat,
    size,
    appliesRotation,
    starts,
    segmentSeconds,
    from,
    last,
    origin: seek?.origin ?? plan.origin,
    seek,
    undecodedIn: (segment: number, decoded: readonly number[]) =>
      plan.jobs === undefined ? [] : undecodedIn(segment, plan, index, decoded),
    maxFramesIn: (segment: number) =>
      plan.jobs === undefined || isRetimed ? Number.POSITIVE_INFINITY : framesIn(segment, plan),
  };
  return new Reencoder({ ...reencoding, spools, signal }, assembly);
}
