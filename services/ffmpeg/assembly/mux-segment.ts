import { MAX_LEAD_SECONDS } from "../../split/domain/early-sound.ts";
import type { Container } from "../../split/ports/media-tools.ts";
import { isIso } from "../formats/containers.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { type ContainerMetadata, flagsForTags, tagOptions, withoutFileTags } from "../source/container-metadata.ts";

/**
 * Inputs of the mux are this far ahead, so that no time is negative: sound may begin before the
 * picture.
 */
export const MUX_OFFSET_SECONDS = MAX_LEAD_SECONDS;

/** Writes a file to a pipe, in a format that ffmpeg reads forward; MUX_OFFSET_SECONDS ahead. */
export type PipedVideo = {
  format: "mp4" | "matroska";
  write: (sink: (data: Buffer) => Promise<void>) => Promise<void>;
};

/** A file that ffmpeg wrote, in the container of the segments. */
export type VideoFile = {
  path: string;
  /** Where on the file's own time line the segment's time begins, in seconds. */
  begins: number;
};

export type MuxJob = {
  binary: string;
  directory: string;
  container: Container;
  metadata: ContainerMetadata;
  /** What MP4 is to call the picture's codec; undefined: what its muxer does. */
  tag: string | undefined;
  /** Relative to the directory. */
  output: string;
  picture: PipedVideo | VideoFile;
  /** Ticks a second of the picture, where the container keeps one. Undefined: as it comes. */
  clock: number | undefined;
  /**
   * A Matroska file, MUX_OFFSET_SECONDS ahead; `late` is added to its times. Seconds. `codecs`: for each
   * track ffmpeg's encoder, undefined where it's copied. `defaults`: whether players choose it.
   */
  audio:
    | { path: string; late: number; codecs: readonly (string | undefined)[]; defaults: readonly boolean[] }
    | undefined;
  /** Seconds of sound before the segment's first frame: everything is moved by so much. */
  lead: number;
  signal: AbortSignal;
};

/** These hold no negative times: everything moves, picture and sound alike. */
const SHIFTED: readonly string[] = ["mpegts", "flv", "avi"];

/** ffmpeg's names of the demuxers, where the muxers are called otherwise. */
const DEMUXERS: Readonly<Record<string, string>> = { mp4: "mov", "3gp": "mov", "3g2": "mov", webm: "matroska" };

/** Records of Dolby Vision are none of MP4's own. */
const movieOptions = ({ metadata, tag, clock }: MuxJob): string[] => [
  ...["-movflags", `+faststart${flagsForTags(metadata)}`, "-strict", "unofficial"],
  ...(clock === undefined ? [] : ["-video_track_timescale", String(clock)]),
  ...(tag === undefined ? [] : ["-tag:v", tag]),
];

const muxerOptions = (job: MuxJob): string[] => [
  ...["-muxdelay", "0", "-muxpreload", "0", "-fflags", "+bitexact", "-max_muxing_queue_size", "4096"],
  ...(SHIFTED.includes(job.container.muxer) ? [] : ["-avoid_negative_ts", "disabled"]),
  // Elsewhere a transport stream can't say that it holds a disc's PCM.
  ...(job.audio?.codecs.includes("pcm_bluray") ? ["-mpegts_m2ts_mode", "1"] : []),
  ...(isIso(job.container) ? movieOptions(job) : []),
  ...withoutFileTags(job.metadata, job.container.muxer),
  ...tagOptions(job.metadata),
];

const soundEncoders = ({ audio }: MuxJob): string[] =>
  (audio?.codecs ?? []).flatMap((codec, track) => (codec === undefined ? [] : [`-c:a:${track}`, codec]));

const dispositions = ({ audio }: MuxJob): string[] =>
  (audio?.defaults ?? []).flatMap((isDefault, track) => [`-disposition:a:${track}`, isDefault ? "default" : "0"]);

/** The options of what is written, whatever the picture and the sound come as. */
const outputOptions = (job: MuxJob): string[] => [
  ...["-map", "0:v:0", ...(job.audio === undefined ? [] : ["-map", "1:a"])],
  ...["-c", "copy", ...soundEncoders(job), ...dispositions(job)],
  ...["-copyinkf:v", "-output_ts_offset", secondsText(job.lead - MUX_OFFSET_SECONDS)],
  ...muxerOptions(job),
  ...["-f", job.container.muxer],
];

/** As ffmpeg reads it: to the microsecond, and with no exponent. */
const secondsText = (seconds: number): string => seconds.toFixed(6);

const QUIET = ["-hide_banner", "-loglevel", "error"];

/**
 * Puts picture and sound of one segment into its container. Throws `FfmpegError` where it can't
 * hold them.
 */
export async function muxSegment(job: MuxJob): Promise<void> {
  const { binary, directory, signal, audio, container, picture, output } = job;
  const sound =
    audio === undefined
      ? []
      : [{ from: audio.path, options: ["-itsoffset", secondsText(audio.late), "-f", "matroska"] }];
  const files = [{ path: output, options: outputOptions(job) }];
  if ("path" in picture) {
    const format = DEMUXERS[container.muxer] ?? container.muxer;
    const ahead = ["-itsoffset", secondsText(MUX_OFFSET_SECONDS - picture.begins)];
    const options = [...QUIET, "-nostdin", "-copyts", ...ahead, "-f", format];
    await runFfmpeg({ binary, directory, signal, inputs: [{ from: picture.path, options }, ...sound], files });
    return;
  }
  const pipedInput = { options: [...QUIET, "-copyts", "-f", picture.format] };
  await runFfmpeg({ binary, directory, signal, pipedInput, inputs: sound, files }, async ({ input }) => {
    await picture.write((data) => input.write(data));
    input.end();
  });
}
