import { ffprobe } from "./tools.ts";

/** ffprobe's output for a stream, with its names. */
export type Stream = {
  index: number;
  codec_type?: string;
  codec_name?: string;
  codec_tag_string?: string;
  width?: number;
  height?: number;
  avg_frame_rate?: string;
  tags?: Record<string, string>;
  disposition?: Record<string, number>;
  side_data_list?: Record<string, unknown>[];
  [field: string]: unknown;
};

export type Probe = {
  format: { format_name?: string; tags?: Record<string, string> };
  streams: Stream[];
  programs: { streams: { index: number }[] }[];
};

const NOTHING: Probe = { format: {}, streams: [], programs: [] };

/** Far enough to find video that begins a minute after the audio. */
const DEEP = ["-probesize", "200000000", "-analyzeduration", "600000000"];

/** Empty when ffprobe can't open the file. */
export async function probe(path: string): Promise<Probe> {
  const text = await ffprobe(...DEEP, "-show_format", "-show_streams", "-show_programs", "-of", "json", path);
  if (text === "") return NOTHING;
  return { ...NOTHING, ...(JSON.parse(text) as Partial<Probe>) };
}

export const formatOf = ({ format }: Probe): string => format.format_name ?? "";

/** Covers and thumbnails aren't video tracks. */
const isStill = ({ disposition = {} }: Stream): boolean =>
  disposition.attached_pic === 1 || disposition.timed_thumbnails === 1 || disposition.still_image === 1;

/** Video tracks in the order in which players try them: default ones first. */
export function videoTracks({ streams }: Probe): Stream[] {
  const videos = streams.filter((stream) => stream.codec_type === "video" && !isStill(stream));
  const isDefault = ({ disposition }: Stream): boolean => disposition?.default === 1;
  return [...videos.filter(isDefault), ...videos.filter((stream) => !isDefault(stream))];
}

/** Audio of the same program as the video; all audio when a container has no programs. */
export function audioTracks({ streams, programs }: Probe, video: number): Stream[] {
  const audios = streams.filter(({ codec_type }) => codec_type === "audio");
  const programme = programs.find((one) => one.streams?.some(({ index }) => index === video));
  if (programme === undefined) return audios;
  return audios.filter(({ index }) => programme.streams.some((one) => one.index === index));
}

/** Rotation by a player in degrees from 0 to 359, counterclockwise, as in ffprobe. */
export function rotationOf({ side_data_list = [] }: Stream): number {
  const rotation = side_data_list.map((data) => Number(data.rotation)).find((value) => Number.isFinite(value)) ?? 0;
  return ((rotation % 360) + 360) % 360;
}

/** Width and height as displayed, without sample aspect ratio. */
export const displayed = ([width, height]: [number, number], rotation: number): [number, number] =>
  rotation % 180 === 0 ? [width, height] : [height, width];

const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: "libvpx", vp9: "libvpx-vp9" };

/** ffmpeg's native VP8 and VP9 decoders ignore WebM's alpha channel; libvpx's don't. */
export const decoderFor = (stream: Stream): string | undefined =>
  (stream.tags?.alpha_mode ?? stream.tags?.ALPHA_MODE) === "1" ? ALPHA_DECODERS[stream.codec_name ?? ""] : undefined;
