import type { Container, ExactCut, MadeSegment } from "../../split/ports/media-tools.ts";
import type { Log } from "../../video/ports/log.ts";
import { assembleSegments, type Workplace } from "../assembly/assemble.ts";
import { joinsAtOnce } from "../assembly/picture-memory.ts";
import type { PictureReading } from "../assembly/source-reading.ts";
import { isIso } from "../formats/containers.ts";
import { isNalCodec } from "../formats/nal/units.ts";
import { CutFailedError, isOfTheFile } from "../process/errors.ts";
import type { SourceAddress } from "../process/sandbox.ts";
import type { RangeProof } from "../proof/dynamic-range.ts";
import type { ContainerMetadata } from "../source/container-metadata.ts";
import type { AudioTrack } from "../source/describe.ts";
import type { PictureFormat } from "../source/picture-format.ts";
import { type Encoder, encodersFor, hasAlpha } from "./encoders.ts";
import { encodingRoom, tooLargeToEncode } from "./encoding-room.ts";
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
  picture: PictureFormat;
  /** What the source's container calls its codec. */
  tag: string;
  /** Bytes of one picture in memory. */
  frame: number;
  /** In pixels, as coded. */
  size: [number, number];
  /** The same as displayed. */
  shownSize: [number, number];
  audio: readonly AudioTrack[];
  container: Container;
  metadata: ContainerMetadata;
  /** Of a source that is HDR. */
  dynamicRange: RangeProof | undefined;
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
type Way = { encoder: Encoder; kind: "stitch" | "encode"; jobsAtOnce: number };

/** An encoder that fits into the memory, run so that it does; none where it doesn't. */
function fitted(encoder: Encoder, frame: number): Pick<Way, "encoder" | "jobsAtOnce">[] {
  const room = encodingRoom(encoder, frame);
  if (room === undefined) return [];
  const { jobs, threads } = room;
  const options = threads === undefined ? encoder.options : [...encoder.options, "-threads", String(threads)];
  return [{ encoder: { ...encoder, options }, jobsAtOnce: jobs }];
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
  const fitting = encoders.flatMap((encoder) => fitted(encoder, job.frame));
  const [best] = fitting;
  if (best === undefined) throw tooLargeToEncode(job.shownSize);
  const ways = fitting.map((way): Way => ({ ...way, kind: "encode" }));
  if (canStitch(job, best.encoder)) ways.unshift({ ...best, kind: "stitch" });
  let next = job.from;
  for (const [number, way] of ways.entries()) {
    try {
      for await (const segment of attempt(job, way, next)) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      job.signal.throwIfAborted();
      const following = ways[number + 1];
      // Only what the file is to blame for may go better in another way.
      if (following === undefined || !isOfTheFile(error)) throw error;
      const since = `${way.kind}: ${String(error)}`;
      job.log.warn(`Falls back to re-encoding (${following.encoder.codec})`, { from_segment: next, since });
    }
  }
}

const whyNotEncoded = (picture: PictureFormat): string =>
  hasAlpha(picture)
    ? `its pictures are transparent, and this ffmpeg can't encode that as ${picture.codec}`
    : `this ffmpeg encodes neither ${picture.codec} nor H.264`;

/** Makes the segments from number `from` on in one way. */
function attempt(job: ExactCutJob, way: Way, from: number): AsyncGenerator<MadeSegment> {
  const starts = job.cut.plan.segments.map(({ start }) => start);
  const joins = joinsAtOnce(job.frame);
  return assembleSegments({ ...job, starts, from, joinsAtOnce: joins }, way.kind, (place) =>
    pictureReading({ ...job, from }, way, place),
  );
}

function pictureReading(job: ExactCutJob, way: Way, { spools, assembly, signal }: Workplace): PictureReading {
  const { binary, video, container, cut, configurations, from } = job;
  const { plan, index, segmentSeconds } = cut;
  const { encoder, jobsAtOnce } = way;
  const { codec } = encoder;
  if (way.kind === "stitch" && isNalCodec(codec) && plan.jobs !== undefined) {
    const isStartCoded = container.muxer === "mpegts";
    const stitching = {
      binary,
      video,
      codec,
      encoder,
      jobsAtOnce,
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
