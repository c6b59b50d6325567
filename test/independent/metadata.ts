import { formatOf, type Probe, rotationOf, type Stream } from "./probe.ts";
import { isAdvanced } from "./timecode.ts";
import { CREATION_TIME_ROUNDING_S } from "./tolerances.ts";

/** A file's ffprobe output, with its video stream and its audio streams. */
export type Described = { probe: Probe; video: Stream | undefined; audios: readonly Stream[] };

/** A segment's position in its source. */
export type Position = { index: number; startSeconds: number; startFrame: number; fps: number; isCopied: boolean };

const UNKNOWN = new Set(["", "unknown", "N/A", "undefined", "und", "reserved"]);

/** Defaults of players for missing values. */
const DEFAULTS: Readonly<Record<string, string>> = {
  color_range: "tv",
  field_order: "progressive",
  sample_aspect_ratio: "1:1",
};

/** VP8 has only one colour space (RFC 6386, 9.2), stated or not. */
const impliedBy = ({ codec_name }: Stream, name: string): string | undefined =>
  name === "color_space" && codec_name === "vp8" ? "bt470bg" : DEFAULTS[name];

function fieldOf(stream: Stream, name: string): string {
  const text = String(stream[name] ?? "");
  if (name === "sample_aspect_ratio" && text === "0:1") return "1:1";
  // ffprobe guesses the field order from the first packets; decoded frames state it.
  if (name === "field_order" && /^[tb]{2}$/.test(text)) return "interlaced";
  return UNKNOWN.has(text) ? (impliedBy(stream, name) ?? "unknown") : text;
}

const VIDEO_FIELDS = [
  ...["codec_name", "profile", "pix_fmt", "sample_aspect_ratio", "field_order"],
  ...["color_range", "color_space", "color_transfer", "color_primaries"],
];
const AUDIO_FIELDS = ["codec_name", "profile", "sample_rate", "channels", "channel_layout"];

const tagOf = (tags: Record<string, string> | undefined, name: string): string | undefined =>
  Object.entries(tags ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];

const languageOf = ({ tags }: Stream): string => {
  const language = tagOf(tags, "language") ?? "";
  return UNKNOWN.has(language) ? "none" : language;
};

/** Containers whose codec tags players depend on. In transport streams it's a number. */
const NAMES_TRACKS = /mov|avi/;

const hasTags = (one: Probe, other: Probe): boolean =>
  formatOf(one) === formatOf(other) && NAMES_TRACKS.test(formatOf(one));

/** The ones that segments are written in, which keep it. */
const KEPT_CONTAINERS = /mov|matroska|mpegts|avi|flv|ogg/;

/**
 * Properties that the video stream itself states. They're compared for copied frames only; the file
 * may state those of a later sample description than the source's first.
 */
const OF_THE_FRAMES = new Set(["profile"]);

/** Fields that follow from others, and may be missing. */
const IMPLIED = new Set(["profile", "channel_layout"]);

const differenceOf = (what: string, source: unknown, segment: unknown): string[] =>
  source === segment ? [] : [`${what}: ${source} became ${segment}`];

/** `what`: the track's name in the result. `tags`: whether codec tags are compared. */
type StreamComparison = { what: string; fields: readonly string[]; source: Stream; segment: Stream; tags: boolean };

function streamDifferences({ what, fields, source, segment, tags }: StreamComparison) {
  return [
    ...fields.flatMap((name) => {
      const [theirs, own] = [fieldOf(source, name), fieldOf(segment, name)];
      if (IMPLIED.has(name) && (theirs === "unknown" || own === "unknown")) return [];
      return differenceOf(`${what} ${name}`, theirs, own);
    }),
    ...(tags ? differenceOf(`${what} tag`, source.codec_tag_string, segment.codec_tag_string) : []),
    ...differenceOf(`${what} language`, languageOf(source), languageOf(segment)),
  ];
}

/** Side data of a stream that affects playback, with its values. */
const SIDE_DATA = ["Mastering display metadata", "Content light level metadata", "DOVI configuration record"];

function sideDataDifferences(source: Stream, segment: Stream, isCopied: boolean): string[] {
  const valuesOf = (stream: Stream, type: string): string | undefined => {
    const data = stream.side_data_list?.find(({ side_data_type }) => side_data_type === type);
    return data === undefined ? undefined : JSON.stringify(Object.entries(data).sort());
  };
  return SIDE_DATA.flatMap((type) => {
    const [theirs, own] = [valuesOf(source, type), valuesOf(segment, type)];
    // Re-encoded frames have no Dolby Vision layer.
    if (theirs === undefined || theirs === own || (type.startsWith("DOVI") && !isCopied)) return [];
    return [`${type}: ${own === undefined ? "lost" : "has other values"}`];
  });
}

/** The first value of a tag in the file, its tracks and its timecode track. */
function fileTag({ probe, video }: Described, name: string): string | undefined {
  const tracks = [video, ...probe.streams.filter(({ codec_tag_string }) => codec_tag_string === "tmcd")];
  return [probe.format.tags, ...tracks.map((track) => track?.tags)].map((tags) => tagOf(tags, name)).find(Boolean);
}

function timeDifferences(source: Described, segment: Described, position: Position): string[] {
  const differences: string[] = [];
  const [created, own] = [fileTag(source, "creation_time"), fileTag(segment, "creation_time")];
  if (created !== undefined) {
    const expected = Date.parse(created) / 1000 + position.startSeconds;
    if (own === undefined) differences.push("creation_time: lost");
    else if (Math.abs(Date.parse(own) / 1000 - expected) > CREATION_TIME_ROUNDING_S) {
      differences.push(own === created ? "creation_time: not advanced by the segment's start" : "creation_time: wrong");
    }
  }
  const [timecode, ownTimecode] = [fileTag(source, "timecode"), fileTag(segment, "timecode")];
  if (timecode !== undefined && ownTimecode !== undefined) {
    if (!isAdvanced(timecode, ownTimecode, position.startFrame, position.fps)) {
      differences.push(`timecode: ${ownTimecode === timecode ? "the source's start in every segment" : "wrong"}`);
    }
  }
  return differences;
}

const videoFields = ({ isCopied }: Position): string[] =>
  isCopied ? VIDEO_FIELDS.filter((name) => !OF_THE_FRAMES.has(name)) : VIDEO_FIELDS;

/** AVI stores no presentation times, and no audio before the video. */
const isMovedFromAvi = (source: Described, segment: Described, { isCopied }: Position): boolean =>
  formatOf(source.probe) === "avi" && formatOf(segment.probe).startsWith("matroska") && !isCopied;

const LOCATIONS = ["location", "com.apple.quicktime.location.iso6709"];

/** Differences between the metadata of a segment and its source, as text. */
export function metadataDifferences(source: Described, segment: Described, position: Position): string[] {
  const tags = hasTags(source.probe, segment.probe);
  if (source.video === undefined || segment.video === undefined) return ["no video"];
  return [
    ...(KEPT_CONTAINERS.test(formatOf(source.probe)) && !isMovedFromAvi(source, segment, position)
      ? differenceOf("container", formatOf(source.probe), formatOf(segment.probe))
      : []),
    ...streamDifferences({
      what: "video",
      fields: videoFields(position),
      source: source.video,
      segment: segment.video,
      tags,
    }),
    ...differenceOf("rotation", rotationOf(source.video), rotationOf(segment.video)),
    ...differenceOf("alpha_mode", tagOf(source.video.tags, "alpha_mode"), tagOf(segment.video.tags, "alpha_mode")),
    ...sideDataDifferences(source.video, segment.video, position.isCopied),
    ...source.audios.flatMap((audio, at) => {
      const own = segment.audios[at];
      return own === undefined
        ? []
        : streamDifferences({ what: `audio ${at}`, fields: AUDIO_FIELDS, source: audio, segment: own, tags });
    }),
    ...LOCATIONS.filter((name) => fileTag(source, name) !== undefined && fileTag(segment, name) === undefined).map(
      (name) => `${name}: lost`,
    ),
    ...timeDifferences(source, segment, position),
  ];
}
