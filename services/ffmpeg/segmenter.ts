import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Container, CutJob, SegmentFile } from "../split/ports.ts";
import { runFfmpeg } from "./command.ts";
import { eachLine } from "./lines.ts";
import { untrustedInput } from "./sandbox.ts";

export type Segmentation = CutJob & {
  binary: string;
  /** Of the loopback source. */
  url: string;
};

/** How long to wait before looking again whether ffmpeg has opened the next file: it does so right after its report. */
const NEXT_FILE_MS = 10;

/** With no further start ffmpeg would cut at its default of 2 seconds. */
const NEVER = ["-segment_time", "2000000000"];

const FASTSTART: readonly string[] = ["mp4", "mov", "3gp", "3g2"];

const fileName = (index: number, { extension }: Container): string => `${String(index).padStart(5, "0")}.${extension}`;

/**
 * Options of the lossless cut. Why each is there: docs/decisions/keyframe-cut.md
 */
const cutOptions = ({ container, starts, video, audio }: Segmentation): string[] => [
  ...[video, ...audio].flatMap((index) => ["-map", `0:${index}`]),
  ...["-map_chapters", "-1", "-c", "copy", "-copyinkf:v"],
  ...["-avoid_negative_ts", "disabled", "-max_muxing_queue_size", "4096"],
  ...["-muxdelay", "0", "-muxpreload", "0"],
  ...["-f", "segment", "-segment_format", container.muxer],
  ...[
    "-segment_format_options",
    `fflags=+bitexact${FASTSTART.includes(container.muxer) ? ":movflags=+faststart" : ""}`,
  ],
  ...(starts.length > 0 ? ["-segment_frames", starts.join(",")] : NEVER),
  ...["-reset_timestamps", "1", "-segment_list", "pipe:3", "-segment_list_type", "csv"],
];

/**
 * Cuts the source by stream copy in one forward read and yields each segment as soon as its file is complete, in order.
 *
 * ffmpeg also reports the short last file of a run that fails, so a reported file counts as complete only once the
 * next one has been opened, or once ffmpeg has ended well. Throws `FfmpegError`, or the signal's reason when aborted;
 * no process is left behind, also when the reader stops early.
 */
export async function* cutSegments(job: Segmentation): AsyncGenerator<SegmentFile> {
  const stop = new AbortController();
  const signal = AbortSignal.any([job.signal, stop.signal]);
  const file = (index: number) => join(job.directory, fileName(index, job.container));
  let reported = 0;
  let ended = false;
  let failure: unknown;
  let wake = () => {};

  const run = runFfmpeg({
    binary: job.binary,
    directory: job.directory,
    secret: job.url,
    signal,
    outputs: 1,
    attend: ({ outputs }) =>
      eachLine(outputs[0]!, () => {
        reported += 1;
        wake();
      }),
    build: (command) => {
      command
        .input(job.url)
        .inputOptions("-hide_banner", "-nostdin", "-loglevel", "error", ...untrustedInput(job.format));
      command.output(`%05d.${job.container.extension}`).outputOptions(...(cutOptions(job) as [string, string]));
    },
  })
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      ended = true;
      wake();
    });

  const isComplete = async (index: number): Promise<boolean> =>
    index < reported && (index + 1 < reported || (ended && failure === undefined) || (await exists(file(index + 1))));

  try {
    for (let index = 0; ; ) {
      if (await isComplete(index)) {
        const path = file(index);
        yield { index, path, bytes: (await stat(path)).size };
        index += 1;
        continue;
      }
      if (ended && (failure !== undefined || index === reported)) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        // Checked after `wake` is set, so that a report in between isn't missed.
        if (ended) resolve();
        else if (index < reported) setTimeout(resolve, NEXT_FILE_MS);
      });
    }
    if (failure !== undefined) throw failure;
  } finally {
    stop.abort(new Error("the segments are no longer wanted"));
    await run;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
