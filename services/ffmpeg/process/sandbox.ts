import { ADMITTED_DECODERS } from "./decoders.ts";

/**
 * Uploads are hostile: a media file can name other files, hosts and devices for ffmpeg to open.
 * These lists and this environment are all that ffmpeg and ffprobe get.
 * https://ffmpeg.org/ffmpeg-protocols.html, https://ffmpeg.org/ffmpeg-formats.html
 */

/**
 * The whole environment of a child: no credentials, and no variable by which ffmpeg would write a
 * report. A static build that converts a broadcast stream's service name loads the machine's
 * character-set modules, made for another libc, and crashes (@ffprobe-installer's 5.2 on Debian 12,
 * with every MPEG-TS file): it gets the path of a folder that isn't there.
 */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  AV_LOG_FORCE_NOCOLOR: "1",
  GCONV_PATH: "/nonexistent",
};

/**
 * The loopback source is read over these. No file, no pipe, no data:, no crypto:, no other host is
 * asked for by us.
 */
export const INPUT_PROTOCOLS = ["http", "tcp"];

/**
 * Containers of moving pictures. No playlist (hls, concat, dash), no script, no image sequence, no
 * device, no raw stream.
 */
export const DEMUXERS = ["mov", "matroska", "mpegts", "avi", "flv", "ogg", "mpeg", "asf"];

/**
 * Enough to find a late audio track in a broadcast stream, and a bound on what a hostile header can
 * make ffmpeg read.
 */
const PROBE_BYTES = 20_000_000;
const ANALYZE_MICROSECONDS = 20_000_000;

/** The same where a track's parameters weren't found so: its first packet comes later. */
const DEEP_PROBE_BYTES = 100_000_000;
const DEEP_ANALYZE_MICROSECONDS = 600_000_000;

/**
 * A program stream has presentation times for some pictures only, and muxers refuse the others:
 * ffmpeg is to work them out. Nowhere else, since it keeps packets in memory until it has.
 */
const LACKS_TIMES = "mpeg";

/**
 * An MP4 or MOV that was truncated lists packets that end behind its end; half a picture is none.
 */
const ISO = "mov";

const inputFlags = (format: string | undefined): string[] => {
  if (format === LACKS_TIMES) return ["-fflags", "+genpts"];
  return format?.split(",").includes(ISO) ? ["-fflags", "+discardcorrupt"] : [];
};

/**
 * 8,192 times 8,192. A few bytes can ask a decoder for any size, and it allocates some twenty
 * frames of it.
 */
export const MAX_PIXELS = 2 ** 26;

/** Options before `-i` for whatever is decoded. */
export const boundedDecoding = [
  ...["-max_pixels", String(MAX_PIXELS)],
  ...["-codec_whitelist", ADMITTED_DECODERS.join(",")],
] as const;

/**
 * Options before `-i` for every file that we didn't make ourselves; `format` is ffprobe's name of
 * it, once it's known. `isDeep`: tracks are looked for further into the file.
 */
export const untrustedInput = (format?: string, isDeep = false): string[] => [
  ...["-protocol_whitelist", INPUT_PROTOCOLS.join(",")],
  ...["-format_whitelist", DEMUXERS.join(",")],
  ...["-probesize", String(isDeep ? DEEP_PROBE_BYTES : PROBE_BYTES)],
  ...["-analyzeduration", String(isDeep ? DEEP_ANALYZE_MICROSECONDS : ANALYZE_MICROSECONDS)],
  ...boundedDecoding,
  ...inputFlags(format),
];
