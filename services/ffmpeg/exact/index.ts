import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Container, ExactCut, MadeSegment } from "../../split/ports/media-tools.ts";
import type { Log } from "../../video/ports/log.ts";
import { isNalCodec } from "../formats/nal-units.ts";
import { CutFailedError, isOfTheFile } from "../process/errors.ts";
import { Assembly, type AssemblyOptions } from "./assembly.ts";
import { type Encoder, encodersFor, type PictureFormat } from "./encoders.ts";
import { Reencoder } from "./reencode.ts";
import { type AudioTrack, keptAudioCodec, readSource } from "./source-reading.ts";
import { Stitcher } from "./stitch.ts";

export type ExactCutJob = {
  binary: string;
  /** Of the loopback source. */
  url: string;
  /** ffprobe's name of the source's container. */
  format: string;
  /** ffmpeg's index of the picture. */
  video: number;
  picture: PictureFormat;
  /** In pixels, as coded. */
  size: [number, number];
  audio: readonly AudioTrack[];
  container: Container;
  cut: ExactCut;
  /** The first segment that is wanted. */
  from: number;
  directory: string;
  signal: AbortSignal;
  log: Pick<Log, "info" | "warn">;
};

/** AVI tells when packets are decoded, and not when they are shown. */
const LACKS_PRESENTATION_TIMES = ["avi"];

function canStitch({ picture, format, size, cut }: ExactCutJob, encoder: Encoder): boolean {
  if (!isNalCodec(picture.codec) || encoder.codec !== picture.codec) return false;
  if (LACKS_PRESENTATION_TIMES.includes(format)) return false;
  return cut.plan.jobs !== undefined && size.every((pixels) => pixels % 2 === 0);
}

/**
 * Cuts on the very frames: copies and encodes only around boundaries where that works, else encodes. Yields each
 * segment in order, complete and proven. Throws `CutFailedError` where there's no encoder for it and where
 * what was encoded isn't what it must be, `FfmpegError` where ffmpeg can't read the source or write the container, and
 * the signal's reason.
 */
export async function* cutExactly(job: ExactCutJob): AsyncGenerator<MadeSegment> {
  const encoders = await encodersFor(job.binary, job.picture);
  if (encoders.length === 0)
    throw new CutFailedError("UnsupportedCut", `this ffmpeg encodes neither ${job.picture.codec} nor H.264`);
  const ways = encoders.map((encoder) => ({ encoder, way: "encode" as "encode" | "stitch" }));
  if (canStitch(job, encoders[0]!)) ways.unshift({ encoder: encoders[0]!, way: "stitch" });
  let next = job.from;
  for (const [number, { encoder, way }] of ways.entries()) {
    try {
      for await (const segment of attempt(job, encoder, way, next)) {
        next = segment.index + 1;
        yield segment;
      }
      return;
    } catch (error) {
      job.signal.throwIfAborted();
      const following = ways[number + 1];
      if (following === undefined || !isOfTheFile(error)) throw error;
      const instead = following.encoder.codec;
      job.log.warn(`Encodes what is left to ${instead}`, { from_segment: next, since: `${way}: ${String(error)}` });
    }
  }
}

async function* attempt(
  job: ExactCutJob,
  encoder: Encoder,
  way: "stitch" | "encode",
  from: number,
): AsyncGenerator<MadeSegment> {
  const { binary, url, format, video, audio, container, cut, directory } = job;
  const { plan, index, segmentSeconds } = cut;
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  const spoolDirectory = join(directory, way);
  await mkdir(spoolDirectory, { recursive: true });
  const starts = plan.segments.map(({ start }) => start);
  const audioCodecs = audio.map(({ codec }) => keptAudioCodec(codec));
  const options: AssemblyOptions = { binary, directory, spoolDirectory, container, starts, from, audioCodecs, signal };
  const assembly = new Assembly(options);
  const isStartCoded = container.muxer === "mpegts";
  const picture =
    way === "stitch" && isNalCodec(encoder.codec) && plan.jobs !== undefined
      ? new Stitcher(
          { binary, video, codec: encoder.codec, encoder, plan, index, isStartCoded, spoolDirectory, signal },
          assembly,
          from,
        )
      : new Reencoder({ video, encoder, starts, segmentSeconds, spoolDirectory }, assembly, from);

  const reading = readSource({ binary, directory, url, format, audio, signal }, picture.reading, assembly).then(
    () => assembly.end(),
    (error: unknown) => assembly.fail(error),
  );
  try {
    yield* assembly.take();
  } finally {
    stop.abort(new Error("the segments are no longer wanted"));
    await reading;
    await picture.stop();
    await assembly.settled();
    await rm(spoolDirectory, { recursive: true, force: true });
  }
}
