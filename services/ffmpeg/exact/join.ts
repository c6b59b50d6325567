import type { Container } from "../../split/ports/media-tools.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { type FileFacts, flagsForTags, tagOptions, withoutFileTags } from "../source/file-facts.ts";

/**
 * Files to join are this far ahead, so that no time is negative: sound may begin before the
 * picture.
 */
export const AHEAD_SECONDS = 10;

export type Join = {
  binary: string;
  directory: string;
  container: Container;
  facts: FileFacts;
  /** What MP4 is to call the picture's codec; undefined: what its muxer does. */
  tag: string | undefined;
  /** Relative to the directory. */
  output: string;
  /** What the picture comes as, AHEAD_SECONDS ahead. */
  videoFormat: "mp4" | "matroska";
  /** Ticks a second of the picture, where the container keeps one. */
  clock: number;
  writeVideo: (sink: (data: Buffer) => Promise<void>) => Promise<void>;
  /** A Matroska file, AHEAD_SECONDS ahead too. */
  audio: string | undefined;
  signal: AbortSignal;
};

const ISO: readonly string[] = ["mp4", "mov", "3gp", "3g2"];

/** These hold no negative times: everything moves, picture and sound alike. */
const SHIFTED: readonly string[] = ["mpegts", "flv", "avi"];

const movieFlags = ({ clock, facts, tag }: Join): string[] => [
  ...(tag === undefined ? [] : ["-tag:v", tag]),
  ...["-video_track_timescale", String(clock), "-movflags", `+faststart${flagsForTags(facts)}`],
];

const muxerOptions = (join: Join): string[] => [
  ...["-muxdelay", "0", "-muxpreload", "0", "-fflags", "+bitexact", "-max_muxing_queue_size", "4096"],
  ...(SHIFTED.includes(join.container.muxer) ? [] : ["-avoid_negative_ts", "disabled"]),
  ...(ISO.includes(join.container.muxer) ? movieFlags(join) : []),
  ...withoutFileTags(join.facts, join.container.muxer),
  ...tagOptions(join.facts),
];

/**
 * Puts picture and sound of one segment into its container. Throws `FfmpegError` where it can't
 * hold them.
 */
export async function joinSegment(join: Join): Promise<void> {
  const { binary, directory, signal, audio, container } = join;
  await runFfmpeg(
    {
      binary,
      directory,
      signal,
      pipedInput: { options: ["-hide_banner", "-loglevel", "error", "-copyts", "-f", join.videoFormat] },
      inputs: audio === undefined ? [] : [{ from: audio, options: ["-f", "matroska"] }],
      files: [
        {
          path: join.output,
          options: [
            ...["-map", "0:v:0", ...(audio === undefined ? [] : ["-map", "1:a"])],
            ...["-c", "copy", "-output_ts_offset", String(-AHEAD_SECONDS)],
            ...muxerOptions(join),
            ...["-f", container.muxer],
          ],
        },
      ],
    },
    async ({ input }) => {
      await join.writeVideo((data) => input.write(data));
      input.end();
    },
  );
}
