import * as z from "zod";
import { leadOf } from "../../split/domain/early-sound.ts";
import type { MediaDescription, Track } from "../../split/ports/media-tools.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { untrustedInput } from "../process/sandbox.ts";
import { picturesInOrder } from "./picture-choice.ts";
import type { PictureFormat } from "./picture-format.ts";

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
  codec_type: z.string().default("data"),
  codec_name: z.string().optional(),
  codec_tag_string: z.string().default(""),
  width: z.int().optional(),
  height: z.int().optional(),
  profile: z.string().optional(),
  pix_fmt: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  chroma_location: z.string().optional(),
  field_order: z.string().optional(),
  avg_frame_rate: Rational.optional(),
  sample_rate: z.coerce.number().optional().catch(undefined),
  start_time: z.coerce.number().optional().catch(undefined),
  disposition: Disposition.prefault({}),
  tags: z.object({ rotate: z.coerce.number().optional().catch(undefined), language: z.string().optional() }).optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional().catch(undefined) })).optional(),
});
type Stream = z.infer<typeof Stream>;

/** What `ffprobe -show_format -show_streams -of json` prints, as far as it is used. Tested on real output. */
export const FfprobeOutput = z.object({
  streams: z.array(Stream).default([]),
  format: z.object({ format_name: z.string() }),
});
export type FfprobeOutput = z.infer<typeof FfprobeOutput>;

/** Which field comes first, in coding and on the screen. */
const INTERLACED = ["tt", "bb", "tb", "bt"];

/** Above this a frame rate is a container's time base, not a rate: 57600/1 and 1000/1 are seen in real files. */
const ABSURD_FPS = 480;

const plausible = (fps: number | undefined): number | undefined =>
  fps !== undefined && fps <= ABSURD_FPS ? fps : undefined;

/** ffprobe's width and height are coded; a quarter turn in the display matrix (or the old tag) swaps them. */
function displayedSize(stream: Stream): [number, number] {
  const turned =
    stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? stream.tags?.rotate ?? 0;
  const size: [number, number] = [stream.width ?? 0, stream.height ?? 0];
  return Math.abs(Math.round(turned)) % 180 === 90 ? [size[1], size[0]] : size;
}

const track = (stream: Stream): Track => ({
  index: stream.index,
  codec: stream.codec_name === "unknown" ? undefined : stream.codec_name,
  tag: stream.codec_tag_string,
});

/** Whether a track whose codec is known has no packet that ffprobe could find its parameters in. */
const lacksParameters = ({ codec_type, codec_name, width, sample_rate }: Stream): boolean =>
  codec_name !== undefined &&
  ((codec_type === "video" && width === 0) || (codec_type === "audio" && sample_rate === 0));

/**
 * Turns ffprobe's output into a description. Cover art is a video stream to ffprobe and a picture to us. `chosen`:
 * ffmpeg's index of the picture; default: the first in the players' order.
 */
export function describeSource(output: FfprobeOutput, chosen?: number): MediaDescription {
  const pictures = picturesInOrder(output.streams);
  const picture = pictures.find(({ index }) => index === chosen) ?? pictures[0];
  return {
    format: output.format.format_name,
    video: picture && {
      ...track(picture),
      size: displayedSize(picture),
      averageFps: plausible(picture.avg_frame_rate),
      ...(INTERLACED.includes(picture.field_order ?? "") ? { isInterlaced: true } : {}),
    },
    audio: output.streams
      .filter((stream) => stream.codec_type === "audio" && track(stream).codec !== undefined)
      .map((stream) => ({ ...track(stream), start: stream.start_time })),
    others: output.streams
      .filter((stream) => stream !== picture && (stream.codec_type !== "audio" || track(stream).codec === undefined))
      .map((stream) => ({ ...track(stream), type: stream.codec_type })),
  };
}

/** A track of sound that is kept. */
export type AudioTrack = {
  /** ffmpeg's. */
  index: number;
  codec: string;
  /** ISO 639-2; "und" where it's unknown. */
  language: string;
  /** Seconds of its sound that are played before the first picture. */
  lead: number;
};

/**
 * The tracks of sound that the description has, in its order. `origin`: when the first picture is
 * shown, on the source's clock.
 */
export const audioTracksOf = (output: FfprobeOutput, origin: number): AudioTrack[] =>
  describeSource(output).audio.map(({ index, codec, start }) => ({
    index,
    codec: codec ?? "",
    language: output.streams.find((stream) => stream.index === index)?.tags?.language ?? "und",
    lead: leadOf(origin, start),
  }));

/** What is to be kept of the picture's format where it's encoded again. */
export function pictureFormatOf(output: FfprobeOutput, index: number): PictureFormat & { size: [number, number] } {
  const stream = output.streams.find((candidate) => candidate.index === index);
  return {
    codec: stream?.codec_name,
    profile: stream?.profile,
    pixelFormat: stream?.pix_fmt,
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

/** What ffprobe says of a source. */
export type Probed = {
  output: FfprobeOutput;
  /** Whether its tracks had to be looked for further into the file than usual. */
  isDeep: boolean;
};

/**
 * Asks ffprobe what `url` is, and a second time, with more of the file, where a track's parameters
 * weren't found. Throws `FfmpegError` when it is nothing that the allowed demuxers can open.
 */
export async function probe(binary: string, url: string, signal: AbortSignal): Promise<Probed> {
  const ask = async (isDeep: boolean): Promise<FfprobeOutput> => {
    const lines: string[] = [];
    const args = [...untrustedInput(undefined, isDeep), "-show_format", "-show_streams", "-of", "json", url];
    await runFfprobe({ binary, args, signal, secret: url, onLine: (line) => lines.push(line) });
    return FfprobeOutput.parse(JSON.parse(lines.join("\n")));
  };
  const output = await ask(false);
  return output.streams.some(lacksParameters) ? { output: await ask(true), isDeep: true } : { output, isDeep: false };
}
