import { ffprobe } from "./tools.ts";

/** What ffprobe says of one stream: its own names, as text or numbers. */
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

/** Far enough to find a picture that begins a minute after the sound. */
const DEEP = ["-probesize", "200000000", "-analyzeduration", "600000000"];

/** Nothing where ffprobe can't open the file. */
export async function probe(path: string): Promise<Probe> {
  const text = await ffprobe(...DEEP, "-show_format", "-show_streams", "-show_programs", "-of", "json", path);
  if (text === "") return NOTHING;
  return { ...NOTHING, ...(JSON.parse(text) as Partial<Probe>) };
}

export const formatOf = ({ format }: Probe): string => format.format_name ?? "";

/** A cover or a thumbnail is no track of moving pictures. */
const isStill = ({ disposition = {} }: Stream): boolean =>
  disposition.attached_pic === 1 || disposition.timed_thumbnails === 1 || disposition.still_image === 1;

/** Tracks of moving pictures in the order in which a player tries them: the default ones first. */
export function pictureTracks({ streams }: Probe): Stream[] {
  const pictures = streams.filter((stream) => stream.codec_type === "video" && !isStill(stream));
  const isDefault = ({ disposition }: Stream): boolean => disposition?.default === 1;
  return [...pictures.filter(isDefault), ...pictures.filter((stream) => !isDefault(stream))];
}

/** Sound of the same programme as a picture: all of it where a container has no programmes. */
export function soundTracks({ streams, programs }: Probe, picture: number): Stream[] {
  const sounds = streams.filter(({ codec_type }) => codec_type === "audio");
  const programme = programs.find((one) => one.streams?.some(({ index }) => index === picture));
  if (programme === undefined) return sounds;
  return sounds.filter(({ index }) => programme.streams.some((one) => one.index === index));
}

/** Degrees from 0 to 359 that a player turns the picture by, counterclockwise, as ffprobe counts. */
export function rotationOf({ side_data_list = [] }: Stream): number {
  const rotation = side_data_list.map((data) => Number(data.rotation)).find((value) => Number.isFinite(value)) ?? 0;
  return ((rotation % 360) + 360) % 360;
}

/** Width and height as a player shows them, without the sample aspect. */
export const displayed = ([width, height]: [number, number], rotation: number): [number, number] =>
  rotation % 180 === 0 ? [width, height] : [height, width];

const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: "libvpx", vp9: "libvpx-vp9" };

/** ffmpeg's own decoders of VP8 and VP9 pass over the alpha channel of WebM; libvpx's don't. */
export const decoderFor = (stream: Stream): string | undefined =>
  (stream.tags?.alpha_mode ?? stream.tags?.ALPHA_MODE) === "1" ? ALPHA_DECODERS[stream.codec_name ?? ""] : undefined;
