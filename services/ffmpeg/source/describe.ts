import * as z from "zod";
import { leadOf } from "../../split/domain/early-audio.ts";
import type { MediaDescription, Track } from "../../split/ports/media-tools.ts";
import { isDecoded } from "../process/decoders.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { currentBudget } from "../process/limits.ts";
import { type SourceAddress, untrustedInput } from "../process/sandbox.ts";
import { orderVideoTracks } from "./choose-video-track.ts";
import type { VideoFormat } from "./video-format.ts";

const Rational = z.string().transform((text): number | undefined => {
  const [numerator, denominator] = text.split("/").map(Number);
  const value = numerator !== undefined && denominator ? numerator / denominator : Number.NaN;
  return Number.isFinite(value) && value > 0 ? value : undefined;
});

const Disposition = z.object({
  default: z.int().default(0),
  attached_pic: z.int().default(0),
  timed_thumbnails: z.int().default(0),
  still_image: z.int().default(0),
});

const Stream = z.object({
  index: z.int().nonnegative(),
  /** Of a transport stream's track: its PID, such as "0x100". */
  id: z.string().optional(),
  codec_type: z.string().default("data"),
  codec_name: z.string().optional(),
  codec_tag_string: z.string().default(""),
  width: z.int().optional(),
  height: z.int().optional(),
  profile: z.string().optional(),
  pix_fmt: z.string().optional(),
  sample_aspect_ratio: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  chroma_location: z.string().optional(),
  field_order: z.string().optional(),
  avg_frame_rate: Rational.optional(),
  /** Seconds per tick. */
  time_base: Rational.optional(),
  sample_rate: z.coerce.number().optional().catch(undefined),
  sample_fmt: z.string().optional(),
  channels: z.int().optional(),
  extradata_size: z.int().optional(),
  start_time: z.coerce.number().optional().catch(undefined),
  disposition: Disposition.prefault({}),
  tags: z
    .object({
      rotate: z.coerce.number().optional().catch(undefined),
      language: z.string().optional(),
      creation_time: z.string().optional(),
      /** Of an encrypted Matroska track: RFC 9559, section 5.1.4.1.31.9 (ContentEncKeyID). */
      enc_key_id: z.string().optional(),
      alpha_mode: z.string().optional(),
      ALPHA_MODE: z.string().optional(),
    })
    .optional(),
  side_data_list: z
    .array(z.object({ rotation: z.number().optional().catch(undefined), displaymatrix: z.string().optional() }))
    .optional(),
});
type Stream = z.infer<typeof Stream>;

/** The output of `ffprobe -show_format -show_streams -of json`, as far as it's used. */
export const FfprobeOutput = z.object({
  streams: z.array(Stream).default([]),
  /** Programs of a transport stream: which streams belong together. */
  programs: z.array(z.object({ streams: z.array(z.object({ index: z.int() })).default([]) })).default([]),
  format: z.object({ format_name: z.string(), tags: z.record(z.string(), z.string()).optional() }),
});
export type FfprobeOutput = z.infer<typeof FfprobeOutput>;

/** field_order of interlaced video: the first field as coded and as displayed. */
const INTERLACED = ["tt", "bb", "tb", "bt"];

/** A higher frame rate is a container's time base: real files have 57600/1 and 1000/1. */
const MAX_PLAUSIBLE_FPS = 480;

const plausible = (fps: number | undefined): number | undefined =>
  fps !== undefined && fps <= MAX_PLAUSIBLE_FPS ? fps : undefined;

/**
 * Frame size as displayed: ffprobe's width and height are coded, and a quarter turn (display
 * matrix, or the old rotate tag) swaps them.
 */
function displayedSize(stream: Stream): [number, number] {
  const turned =
    stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? stream.tags?.rotate ?? 0;
  const size: [number, number] = [stream.width ?? 0, stream.height ?? 0];
  return Math.abs(Math.round(turned)) % 180 === 90 ? [size[1], size[0]] : size;
}

/** Whether a track's codec is known and has an allowed decoder. */
const isKnown = ({ codec_name }: Stream): boolean => codec_name !== undefined && isDecoded(codec_name);

const track = (stream: Stream): Track => ({
  index: stream.index,
  codec: stream.codec_name === "unknown" ? undefined : stream.codec_name,
  tag: stream.codec_tag_string,
});

/** Whether ffprobe found no packet with the parameters of a track whose codec is known. */
const lacksParameters = (stream: Stream): boolean =>
  isKnown(stream) &&
  ((stream.codec_type === "video" && stream.width === 0) ||
    (stream.codec_type === "audio" && !hasAudioParameters(stream)));

/** Whether an audio track has a sample rate and a start time. */
const hasAudioParameters = ({ sample_rate, start_time }: Stream): boolean =>
  sample_rate !== undefined && sample_rate > 0 && start_time !== undefined;

/** Whether audio belongs to another program of a transport stream than the video. */
function belongsToOtherProgram({ programs }: FfprobeOutput, video: Stream | undefined, { index }: Stream): boolean {
  const own = programs.find(({ streams }) => streams.some((one) => one.index === video?.index));
  return own !== undefined && !own.streams.some((one) => one.index === index);
}

/**
 * Converts ffprobe's output to a description. Cover art, a video stream to ffprobe, is among
 * `others`. `chosen`: ffmpeg's index of the video stream; default: the one players choose.
 */
export function describeSource(output: FfprobeOutput, chosen?: number): MediaDescription {
  const candidates = orderVideoTracks(output.streams);
  const video = candidates.find(({ index }) => index === chosen) ?? candidates[0];
  const isKept = (stream: Stream) =>
    stream.codec_type === "audio" &&
    isKnown(stream) &&
    hasAudioParameters(stream) &&
    !belongsToOtherProgram(output, video, stream);
  return {
    format: output.format.format_name,
    video: video && {
      ...track(video),
      ...(isKnown(video) ? {} : { codec: undefined }),
      size: displayedSize(video),
      averageFps: plausible(video.avg_frame_rate),
      ...(INTERLACED.includes(video.field_order ?? "") ? { isInterlaced: true } : {}),
    },
    audio: output.streams.filter(isKept).map((stream) => ({ ...track(stream), start: stream.start_time })),
    others: output.streams
      .filter((stream) => stream !== video && !isKept(stream))
      .map((stream) => ({ ...track(stream), type: stream.codec_type })),
  };
}

/** An audio track that is kept. */
export type AudioTrack = {
  /** ffmpeg's index of the stream. */
  index: number;
  codec: string;
  /** ISO 639-2; "und": unknown. */
  language: string;
  /** Seconds of its audio that are played before the first video frame. */
  lead: number;
  /** Samples per second. */
  rate: number;
  channels: number;
  /** Whether samples have more than 16 bits. */
  isWide: boolean;
  /** Whether each AAC packet has an ADTS header, and the track no decoder configuration. */
  isAdts: boolean;
  /** The default flag. */
  isDefault: boolean;
};

/** Containers with an ADTS header in each AAC packet. */
const HAS_ADTS = ["mpegts", "mpeg"];

const isAdts = (format: string, { codec_name, extradata_size }: Stream): boolean =>
  codec_name === "aac" && (HAS_ADTS.includes(format) || (format === "avi" && !extradata_size));

/**
 * The audio tracks of a description, in order. `video`: ffmpeg's index of the video stream.
 * `origin`: when its first frame is shown, in seconds on the source's clock.
 */
export const audioTracksOf = (output: FfprobeOutput, video: number, origin: number): AudioTrack[] =>
  describeSource(output, video).audio.map(({ index, codec, start }) => {
    const stream = output.streams.find((one) => one.index === index)!;
    return {
      index,
      codec: codec ?? "",
      language: stream.tags?.language ?? "und",
      lead: leadOf(origin, start),
      rate: stream.sample_rate ?? 0,
      channels: stream.channels ?? 0,
      isWide: !/^(u8|s16)/.test(stream.sample_fmt ?? ""),
      isAdts: isAdts(output.format.format_name, stream),
      isDefault: stream.disposition.default === 1,
    };
  });

/** The video format, and the frame size as coded, that re-encoding keeps. */
export function videoFormatOf(output: FfprobeOutput, index: number): VideoFormat & { size: [number, number] } {
  const stream = output.streams.find((candidate) => candidate.index === index);
  return {
    codec: stream?.codec_name,
    profile: stream?.profile,
    pixelFormat: stream?.pix_fmt,
    alphaMode: (stream?.tags?.alpha_mode ?? stream?.tags?.ALPHA_MODE) === "1",
    sampleAspect: stream?.sample_aspect_ratio,
    language: stream?.tags?.language ?? "und",
    colorRange: stream?.color_range,
    colorSpace: stream?.color_space,
    colorTransfer: stream?.color_transfer,
    colorPrimaries: stream?.color_primaries,
    chromaLocation: stream?.chroma_location,
    fieldOrder: stream?.field_order,
    averageFps: plausible(stream?.avg_frame_rate),
    size: [stream?.width ?? 0, stream?.height ?? 0],
  };
}

const PROBE_OPTIONS = ["-show_format", "-show_streams", "-show_programs"];

/** ffprobe's output for a source. */
export type Probed = {
  output: FfprobeOutput;
  /** Whether ffprobe had to probe further into the file than usual. */
  isDeep: boolean;
};

/**
 * Runs ffprobe on a source; a second time, on more of the file, when a track's parameters weren't
 * found. Throws `FfmpegError` when no allowed demuxer can open it, and `RejectedVideo`
 * (LimitExceeded) when ffprobe takes too much time or memory.
 */
export async function probe(binary: string, address: SourceAddress, signal: AbortSignal): Promise<Probed> {
  const run = async (isDeep: boolean): Promise<FfprobeOutput> => {
    const lines: string[] = [];
    const args = [...untrustedInput(undefined, isDeep), ...PROBE_OPTIONS, "-of", "json", address.url];
    const { probeSeconds, deepProbeSeconds, probeOutputBytes: outputBytes } = currentBudget();
    const cpuSeconds = isDeep ? deepProbeSeconds : probeSeconds;
    const options = { binary, args, signal, source: address, cpuSeconds, outputBytes };
    await runFfprobe({ ...options, onLine: (line) => lines.push(line) });
    return FfprobeOutput.parse(JSON.parse(lines.join("\n")));
  };
  const output = await run(false);
  return output.streams.some(lacksParameters) ? { output: await run(true), isDeep: true } : { output, isDeep: false };
}
