import * as z from "zod";
import { leadOf } from "../../split/domain/early-sound.ts";
import type { MediaDescription, Track } from "../../split/ports/media-tools.ts";
import { isDecoded } from "../process/decoders.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { currentBudget } from "../process/limits.ts";
import { type SourceAddress, untrustedInput } from "../process/sandbox.ts";
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
  sample_aspect_ratio: z.string().optional(),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  chroma_location: z.string().optional(),
  field_order: z.string().optional(),
  avg_frame_rate: Rational.optional(),
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
      alpha_mode: z.string().optional(),
      ALPHA_MODE: z.string().optional(),
    })
    .optional(),
  side_data_list: z
    .array(z.object({ rotation: z.number().optional().catch(undefined), displaymatrix: z.string().optional() }))
    .optional(),
});
type Stream = z.infer<typeof Stream>;

/** What `ffprobe -show_format -show_streams -of json` prints, as far as it is used. Tested on real output. */
export const FfprobeOutput = z.object({
  streams: z.array(Stream).default([]),
  /** Of a transport stream: which streams belong together. */
  programs: z.array(z.object({ streams: z.array(z.object({ index: z.int() })).default([]) })).default([]),
  format: z.object({ format_name: z.string(), tags: z.record(z.string(), z.string()).optional() }),
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

/** Whether a track can be checked: the codec is known, and one of those that are decoded. */
const isKnown = ({ codec_name }: Stream): boolean => codec_name !== undefined && isDecoded(codec_name);

const track = (stream: Stream): Track => ({
  index: stream.index,
  codec: stream.codec_name === "unknown" ? undefined : stream.codec_name,
  tag: stream.codec_tag_string,
});

/** Whether a track whose codec is known has no packet that ffprobe could find its parameters in. */
const lacksParameters = (stream: Stream): boolean =>
  isKnown(stream) &&
  ((stream.codec_type === "video" && stream.width === 0) || (stream.codec_type === "audio" && !hasSound(stream)));

/** Whether a packet of a track of sound was found, and not only its name. */
const hasSound = ({ sample_rate, start_time }: Stream): boolean =>
  sample_rate !== undefined && sample_rate > 0 && start_time !== undefined;

/** Sound that belongs to another picture of a transport stream, one that isn't shown with this one. */
function isOfAnotherProgram({ programs }: FfprobeOutput, picture: Stream | undefined, { index }: Stream): boolean {
  const own = programs.find(({ streams }) => streams.some((one) => one.index === picture?.index));
  return own !== undefined && !own.streams.some((one) => one.index === index);
}

/**
 * Turns ffprobe's output into a description. Cover art is a video stream to ffprobe and a picture to us. `chosen`:
 * ffmpeg's index of the picture; default: the first in the players' order.
 */
export function describeSource(output: FfprobeOutput, chosen?: number): MediaDescription {
  const pictures = picturesInOrder(output.streams);
  const picture = pictures.find(({ index }) => index === chosen) ?? pictures[0];
  const isKept = (stream: Stream) =>
    stream.codec_type === "audio" &&
    isKnown(stream) &&
    hasSound(stream) &&
    !isOfAnotherProgram(output, picture, stream);
  return {
    format: output.format.format_name,
    video: picture && {
      ...track(picture),
      ...(isKnown(picture) ? {} : { codec: undefined }),
      size: displayedSize(picture),
      averageFps: plausible(picture.avg_frame_rate),
      ...(INTERLACED.includes(picture.field_order ?? "") ? { isInterlaced: true } : {}),
    },
    audio: output.streams.filter(isKept).map((stream) => ({ ...track(stream), start: stream.start_time })),
    others: output.streams
      .filter((stream) => stream !== picture && !isKept(stream))
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
  /** Samples a second. */
  rate: number;
  channels: number;
  /** Whether a sample has more than 16 bits. */
  isWide: boolean;
  /** Whether each packet of AAC has a header of its own, and the track none. */
  isAdts: boolean;
  /** Whether players choose it, where nobody else does. */
  isDefault: boolean;
};

/** Containers in which each packet of AAC has a header of its own. */
const HAS_ADTS = ["mpegts", "mpeg"];

const isAdts = (format: string, { codec_name, extradata_size }: Stream): boolean =>
  codec_name === "aac" && (HAS_ADTS.includes(format) || (format === "avi" && !extradata_size));

/**
 * The tracks of sound that go with a picture, in the description's order. `picture`: ffmpeg's index
 * of it. `origin`: when its first frame is shown, on the source's clock.
 */
export const audioTracksOf = (output: FfprobeOutput, picture: number, origin: number): AudioTrack[] =>
  describeSource(output, picture).audio.map(({ index, codec, start }) => {
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

/** What is to be kept of the picture's format where it's encoded again. */
export function pictureFormatOf(output: FfprobeOutput, index: number): PictureFormat & { size: [number, number] } {
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

const WHAT = ["-show_format", "-show_streams", "-show_programs"];

/** What ffprobe says of a source. */
export type Probed = {
  output: FfprobeOutput;
  /** Whether its tracks had to be looked for further into the file than usual. */
  isDeep: boolean;
};

/**
 * Asks ffprobe what a source is, and a second time, with more of the file, where a track's parameters
 * weren't found. Throws `FfmpegError` when it is nothing that the allowed demuxers can open, and
 * `RejectedVideo` (LimitExceeded) where it takes ffprobe too long, or too much memory.
 */
export async function probe(binary: string, address: SourceAddress, signal: AbortSignal): Promise<Probed> {
  const ask = async (isDeep: boolean): Promise<FfprobeOutput> => {
    const lines: string[] = [];
    const args = [...untrustedInput(undefined, isDeep), ...WHAT, "-of", "json", address.url];
    const { probeSeconds, deepProbeSeconds, probeOutputBytes: outputBytes } = currentBudget();
    const cpuSeconds = isDeep ? deepProbeSeconds : probeSeconds;
    const run = { binary, args, signal, source: address, cpuSeconds, outputBytes };
    await runFfprobe({ ...run, onLine: (line) => lines.push(line) });
    return FfprobeOutput.parse(JSON.parse(lines.join("\n")));
  };
  const output = await ask(false);
  return output.streams.some(lacksParameters) ? { output: await ask(true), isDeep: true } : { output, isDeep: false };
}
