import { MAX_LEAD_SECONDS } from "../../split/domain/early-audio.ts";
import type { Container } from "../../split/ports/media-tools.ts";
import { isMediaFault } from "../../video/errors.ts";
import { isIso } from "../formats/containers.ts";
import { isNalCodec } from "../formats/nal/units.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { type ContainerMetadata, flagsForTags, tagOptions, withoutFileTags } from "../source/container-metadata.ts";

/**
 * Inputs of the mux are shifted by this much, so that no time is negative: audio may begin before
 * the video.
 */
export const MUX_OFFSET_SECONDS = MAX_LEAD_SECONDS;

/**
 * Video that is written to a pipe, in a format that ffmpeg reads forward, shifted by
 * MUX_OFFSET_SECONDS.
 */
export type PipedVideo = {
  format: "mp4" | "matroska";
  write: (sink: (data: Buffer) => Promise<void>) => Promise<void>;
};

/** A video file that ffmpeg wrote, in the container of the segments. */
export type VideoFile = {
  path: string;
  /** The file's time at which the segment begins, in seconds. */
  begins: number;
};

export type MuxJob = {
  binary: string;
  directory: string;
  container: Container;
  metadata: ContainerMetadata;
  /** Of the video, as ffprobe names it. */
  codec: string;
  /** Sample entry of the video in MP4; undefined: the muxer's default. */
  tag: string | undefined;
  /** Path relative to `directory`. */
  output: string;
  video: PipedVideo | VideoFile;
  /**
   * Ticks per second of the video track, for containers that have a timescale; undefined: the
   * muxer's.
   */
  clock: number | undefined;
  /**
   * A Matroska file with all audio tracks, shifted by MUX_OFFSET_SECONDS; `late` seconds are added
   * to its times. `codecs`: ffmpeg's encoder of each track, undefined: copied. `defaults`: the
   * default flag of each track.
   */
  audio:
    | { path: string; late: number; codecs: readonly (string | undefined)[]; defaults: readonly boolean[] }
    | undefined;
  /** Seconds of audio before the segment's first frame: all times are shifted by this. */
  lead: number;
  signal: AbortSignal;
};

/** These containers have no negative times: video and audio are shifted together. */
const WITHOUT_NEGATIVE_TIMES: readonly string[] = ["mpegts", "flv", "avi"];

/** ffmpeg's demuxers whose names differ from the muxers'. */
const DEMUXERS: Readonly<Record<string, string>> = { mp4: "mov", "3gp": "mov", "3g2": "mov", webm: "matroska" };

/** `-strict unofficial`: MP4's standard has no Dolby Vision records. */
const movieOptions = ({ metadata, tag, clock }: MuxJob): string[] => [
  ...["-movflags", `+faststart${flagsForTags(metadata)}`, "-strict", "unofficial"],
  ...(clock === undefined ? [] : ["-video_track_timescale", String(clock)]),
  ...(tag === undefined ? [] : ["-tag:v", tag]),
];

const muxerOptions = (job: MuxJob): string[] => [
  ...["-muxdelay", "0", "-muxpreload", "0", "-fflags", "+bitexact", "-max_muxing_queue_size", "4096"],
  ...(WITHOUT_NEGATIVE_TIMES.includes(job.container.muxer) ? [] : ["-avoid_negative_ts", "disabled"]),
  // Only M2TS can signal Blu-ray PCM.
  ...(job.audio?.codecs.includes("pcm_bluray") ? ["-mpegts_m2ts_mode", "1"] : []),
  ...(isIso(job.container) ? movieOptions(job) : []),
  ...withoutFileTags(job.metadata, job.container.muxer),
  ...tagOptions(job.metadata),
];

const audioEncoders = ({ audio }: MuxJob): string[] =>
  (audio?.codecs ?? []).flatMap((codec, track) => (codec === undefined ? [] : [`-c:a:${track}`, codec]));

const dispositions = ({ audio }: MuxJob): string[] =>
  (audio?.defaults ?? []).flatMap((isDefault, track) => [`-disposition:a:${track}`, isDefault ? "default" : "0"]);

/** Output options, whatever form video and audio come in. */
const outputOptions = (job: MuxJob): string[] => [
  ...["-map", "0:v:0", ...(job.audio === undefined ? [] : ["-map", "1:a"])],
  ...["-c", "copy", ...audioEncoders(job), ...dispositions(job)],
  ...["-copyinkf:v", "-output_ts_offset", secondsText(job.lead - MUX_OFFSET_SECONDS)],
  ...muxerOptions(job),
  ...["-f", job.container.muxer],
];

/** To the microsecond and without an exponent, as ffmpeg parses it. */
const secondsText = (seconds: number): string => seconds.toFixed(6);

const QUIET = ["-hide_banner", "-loglevel", "error"];

/**
 * Muxes video and audio of one segment into its container. Throws `FfmpegError` when the container
 * can't hold them.
 */
export async function muxSegment(job: MuxJob): Promise<void> {
  const { binary, directory, signal, audio, container, codec, video, output } = job;
  const audioInputs =
    audio === undefined
      ? []
      : [{ from: audio.path, options: ["-itsoffset", secondsText(audio.late), "-f", "matroska"] }];
  const files = [{ path: output, options: outputOptions(job) }];
  if ("path" in video) {
    const format = DEMUXERS[container.muxer] ?? container.muxer;
    const ahead = ["-itsoffset", secondsText(MUX_OFFSET_SECONDS - video.begins)];
    const options = [...QUIET, "-nostdin", "-copyts", ...ahead, "-f", format];
    const mux = (more: readonly string[]) => {
      const inputs = [{ from: video.path, options: [...options, ...more] }, ...audioInputs];
      return runFfmpeg({ binary, directory, signal, inputs, files });
    };
    if (!isIso(container)) return void (await mux([]));
    // An MP4 states all that copying these needs; to look for more, ffmpeg decodes the first frames.
    // Of other codecs it reads the size there, but takes it for unknown where they don't decode.
    const unprobed = ["-nofind_stream_info"];
    const [first, second] = isNalCodec(codec) ? [unprobed, []] : [[], unprobed];
    await mux(first).catch((error: unknown) => {
      if (!isMediaFault(error)) throw error;
      return mux(second);
    });
    return;
  }
  const pipedInput = { options: [...QUIET, "-copyts", "-f", video.format] };
  await runFfmpeg({ binary, directory, signal, pipedInput, inputs: audioInputs, files }, async ({ input }) => {
    await video.write((data) => input.write(data));
    input.end();
  });
}
