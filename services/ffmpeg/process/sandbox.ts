import { availableParallelism } from "node:os";
import { MAX_PIXELS } from "../../split/domain/budget.ts";
import { ALLOWED_DECODERS } from "./decoders.ts";
import { currentBudget } from "./limits.ts";

/**
 * Uploads may be hostile: a media file can name other files, hosts and devices for ffmpeg to open.
 * ffmpeg and ffprobe get only what these lists and this environment allow.
 * https://ffmpeg.org/ffmpeg-protocols.html, https://ffmpeg.org/ffmpeg-formats.html
 */

/**
 * The environment of every child process: no credentials, and no variable that makes ffmpeg write a
 * report. GCONV_PATH is a missing folder: a static build that converts a broadcast stream's service
 * name loads the system's character set modules, made for another libc, and crashes
 * (@ffprobe-installer's 5.2 on Debian 12, with every MPEG-TS file).
 */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  AV_LOG_FORCE_NOCOLOR: "1",
  GCONV_PATH: "/nonexistent",
};

/** How ffmpeg reaches the loopback source. */
export type SourceAddress = {
  /** URL to open. Contains no secret: every user of the machine can read a command line. */
  url: string;
  /** Port of the loopback server, which ffmpeg uses as a proxy. */
  port: number;
  /** Password of the proxy. */
  secret: string;
};

/** User name of the proxy. */
export const PROXY_USER = "video-split";

/**
 * The environment of a child process; with the proxy, when it reads the source. Only the process's
 * user can read its environment. ffmpeg sends requests for all http: URLs to the proxy, so the
 * server also receives (and refuses) those for other hosts that a file names.
 * https://ffmpeg.org/ffmpeg-protocols.html#http
 */
export const childEnvironment = (source: SourceAddress | undefined): Readonly<Record<string, string>> =>
  source === undefined
    ? CHILD_ENVIRONMENT
    : { ...CHILD_ENVIRONMENT, http_proxy: `http://${PROXY_USER}:${source.secret}@127.0.0.1:${source.port}` };

/** The protocols of the loopback source. Not file:, pipe:, data: or crypto:. */
export const INPUT_PROTOCOLS = ["http", "tcp"];

/**
 * Demuxers of video containers. No playlists (hls, concat, dash), scripts, image sequences, devices
 * or raw streams.
 */
export const DEMUXERS = ["mov", "matroska", "mpegts", "avi", "flv", "ogg", "mpeg", "asf"];

/**
 * Enough to find a late audio track in a broadcast stream; limits what a hostile header can make
 * ffmpeg read.
 */
const PROBE_BYTES = 20_000_000;
const ANALYZE_MICROSECONDS = 20_000_000;

/** Limits of a second probe, when a track's parameters weren't found: its first packet is later. */
const DEEP_PROBE_BYTES = 100_000_000;
const DEEP_ANALYZE_MICROSECONDS = 600_000_000;

/**
 * A program stream has presentation times for some pictures only, and muxers reject the others:
 * ffmpeg must derive them. For other formats that would only keep packets in memory.
 */
const LACKS_TIMES = "mpeg";

/**
 * A truncated MP4 or MOV lists packets that extend beyond its end: an incomplete packet is dropped.
 */
const ISO = "mov";

/**
 * Behind 64 KB without a packet, ffprobe would take a transport stream for ended. The source is read
 * once, whatever is in it.
 */
const RESYNC = ["-resync_size", String(2 ** 31 - 1)];

const inputFlags = (format: string | undefined): string[] => {
  if (format === "mpegts") return RESYNC;
  if (format === LACKS_TIMES) return ["-fflags", "+genpts"];
  return format?.split(",").includes(ISO) ? ["-fflags", "+discardcorrupt"] : [];
};

/** Each decoder thread holds a frame, however many cores there are. */
const DECODER_THREADS = String(Math.min(4, availableParallelism()));

const BOUNDED = [...["-max_pixels", String(MAX_PIXELS)], ...["-codec_whitelist", ALLOWED_DECODERS.join(",")]] as const;

/** Input options for everything that is decoded. */
export const boundedDecoding = [...BOUNDED, "-threads", DECODER_THREADS] as const;

/** With frame threads, the output for damaged input depends on the number of threads. */
export const DETERMINISTIC_DECODING = ["-thread_type", "slice"] as const;

/**
 * Of ffmpeg's connection to the loopback source. The system's default grows to many MB, which are
 * fetched for nothing when ffmpeg looks something up and closes the connection.
 */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

/**
 * Input options for every file that this service didn't make. `format`: ffprobe's name of the
 * container, when known. `isDeep`: probes further into the file.
 */
export const untrustedInput = (format?: string, isDeep = false): string[] => [
  ...["-protocol_whitelist", INPUT_PROTOCOLS.join(",")],
  ...["-recv_buffer_size", String(RECEIVE_BUFFER_BYTES)],
  ...["-format_whitelist", DEMUXERS.join(",")],
  ...["-probesize", String(isDeep ? DEEP_PROBE_BYTES : PROBE_BYTES)],
  ...["-analyzeduration", String(isDeep ? DEEP_ANALYZE_MICROSECONDS : ANALYZE_MICROSECONDS)],
  ...["-max_streams", String(currentBudget().streams)],
  ...BOUNDED,
  ...inputFlags(format),
];
