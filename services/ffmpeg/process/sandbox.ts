import { availableParallelism } from "node:os";
import { MAX_PIXELS } from "../../split/domain/budget.ts";
import { ALLOWED_DECODERS } from "./decoders.ts";
import { currentBudget } from "./limits.ts";

/**
 * Uploads are hostile: a media file can name other files, hosts and devices for ffmpeg to open.
 * These lists and this environment are all that ffmpeg and ffprobe get.
 * https://ffmpeg.org/ffmpeg-protocols.html, https://ffmpeg.org/ffmpeg-formats.html
 */

/**
 * The environment of every child: no credentials, and no variable by which ffmpeg would write a
 * report. A static build that converts a broadcast stream's service name loads the machine's
 * character-set modules, made for another libc, and crashes (@ffprobe-installer's 5.2 on Debian 12,
 * with every MPEG-TS file): it gets the path of a folder that isn't there.
 */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  AV_LOG_FORCE_NOCOLOR: "1",
  GCONV_PATH: "/nonexistent",
};

/** How ffmpeg reaches the loopback source. */
export type SourceAddress = {
  /** What it opens. No secret: any user of the machine can read a command line. */
  url: string;
  /** Of the loopback server, which it takes for a proxy. */
  port: number;
  /** What it shows to the server. */
  secret: string;
};

/** The server knows its reader by these and the secret. */
export const PROXY_USER = "video-split";

/**
 * The environment of a child, with the way to the source where it reads that. Only the user whose
 * process it is can read an environment. ffmpeg asks the proxy for every http: address, so that the
 * server also receives what a file asks for from other hosts.
 * https://ffmpeg.org/ffmpeg-protocols.html#http
 */
export const childEnvironment = (source: SourceAddress | undefined): Readonly<Record<string, string>> =>
  source === undefined
    ? CHILD_ENVIRONMENT
    : { ...CHILD_ENVIRONMENT, http_proxy: `http://${PROXY_USER}:${source.secret}@127.0.0.1:${source.port}` };

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

/** Each thread that decodes holds a picture of its own, however many cores there are. */
const DECODER_THREADS = String(Math.min(4, availableParallelism()));

const BOUNDED = [...["-max_pixels", String(MAX_PIXELS)], ...["-codec_whitelist", ALLOWED_DECODERS.join(",")]] as const;

/** Options before `-i` for whatever is decoded. */
export const boundedDecoding = [...BOUNDED, "-threads", DECODER_THREADS] as const;

/**
 * Options before `-i` for every file that we didn't make ourselves; `format` is ffprobe's name of
 * it, once it's known. `isDeep`: tracks are looked for further into the file.
 */
export const untrustedInput = (format?: string, isDeep = false): string[] => [
  ...["-protocol_whitelist", INPUT_PROTOCOLS.join(",")],
  ...["-format_whitelist", DEMUXERS.join(",")],
  ...["-probesize", String(isDeep ? DEEP_PROBE_BYTES : PROBE_BYTES)],
  ...["-analyzeduration", String(isDeep ? DEEP_ANALYZE_MICROSECONDS : ANALYZE_MICROSECONDS)],
  ...["-max_streams", String(currentBudget().streams)],
  ...BOUNDED,
  ...inputFlags(format),
];
