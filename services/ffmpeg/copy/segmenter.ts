import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../split/ports/media-tools.ts";
import { Condition } from "../process/condition.ts";
import { eachLine } from "../process/lines.ts";
import {
  type Clock,
  PACKET_BYTES,
  PACKET_HASHES,
  PACKET_LINES,
  type PacketLine,
  readPacketLines,
  readPackets,
} from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { untrustedInput } from "../process/sandbox.ts";
import { type FileFacts, flagsForTags, withoutFileTags } from "../source/file-facts.ts";

/** A segment that is complete on disk. */
export type SegmentFile = { index: number; path: string; bytes: number };

/** A packet of the picture; its time and duration in seconds. */
export type SourcePacket = { time: number; duration: number; hash: number };

/** Hears of every packet that is cut, on the way. Times are seconds on ffmpeg's clock. */
export type PacketListener = {
  onVideo: (frame: SourcePacket) => void;
  onAudio: (track: number, time: number) => void;
  /** There are no more. */
  onEnd: () => void;
};

export type Segmentation = {
  binary: string;
  /** Of the loopback source. */
  url: string;
  /** ffprobe's name of the source's container. */
  format: string;
  /** ffmpeg's indexes of the streams that are kept. */
  video: number;
  audio: readonly number[];
  container: Container;
  facts: FileFacts;
  /** Ordinals, in decode order, of the frames that start the second and further segments. */
  starts: readonly number[];
  directory: string;
  signal: AbortSignal;
  listener: PacketListener;
  /** Hashes the picture's packets, one after the other; "whole": each is hashed as it is, CRC-32, by ffmpeg. */
  hash: "whole" | ((packet: Buffer) => number);
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
const cutOptions = ({ container, starts, video, audio, facts }: Segmentation): string[] => [
  ...[video, ...audio].flatMap((index) => ["-map", `0:${index}`]),
  ...["-map_chapters", "-1", "-c", "copy", "-copyinkf:v"],
  ...["-avoid_negative_ts", "disabled", "-max_muxing_queue_size", "4096"],
  ...["-muxdelay", "0", "-muxpreload", "0"],
  ...withoutFileTags(facts, container.muxer),
  // Of the segment muxer too: it hands its own flags on to each segment's muxer, and Matroska's would
  // draw random ids.
  ...["-fflags", "+bitexact", "-f", "segment", "-segment_format", container.muxer],
  ...["-segment_format_options", ["fflags=+bitexact", ...movieFlags(container, facts)].join(":")],
  ...(starts.length > 0 ? ["-segment_frames", starts.join(",")] : NEVER),
  ...["-reset_timestamps", "1", "-segment_list", "pipe:3", "-segment_list_type", "csv"],
];

/** Options of the muxers of MP4 and its kin. Records of Dolby Vision are none of MP4's own. */
const movieFlags = ({ muxer }: Container, facts: FileFacts): string[] =>
  FASTSTART.includes(muxer) ? [`movflags=+faststart${flagsForTags(facts)}`, "strict=unofficial"] : [];

const COPIED = ["-map_chapters", "-1", "-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"];

/** The same packets once more, for the proof. */
const pictureOutputs = ({ video, hash }: Segmentation): string[][] => {
  const picture = ["-map", `0:${video}`, ...COPIED];
  if (hash === "whole") return [[...picture, ...PACKET_HASHES]];
  return [
    [...picture, ...PACKET_LINES],
    [...picture, ...PACKET_BYTES],
  ];
};

const audioOutputs = ({ audio }: Segmentation): string[][] =>
  audio.map((index) => ["-map", `0:${index}`, ...COPIED, ...PACKET_LINES]);

const HEXADECIMAL = 16;

const timesOf = ({ num, den }: Clock, { pts, dts, duration }: Pick<PacketLine, "pts" | "dts" | "duration">) => ({
  time: ((pts ?? dts) * num) / den,
  duration: (duration * num) / den,
});

async function listenToVideo({ hash, listener: { onVideo } }: Segmentation, pipes: OutputPipe[]): Promise<void> {
  const [lines, bytes] = pipes as [OutputPipe, OutputPipe];
  if (hash === "whole") {
    for await (const { clock, line } of readPacketLines(lines))
      onVideo({ ...timesOf(clock, line), hash: Number.parseInt(line.checksum, HEXADECIMAL) });
    return;
  }
  for await (const { clock, data, ...line } of readPackets(lines, bytes))
    onVideo({ ...timesOf(clock, line), hash: hash(data) });
}

async function listenToAudio(lines: OutputPipe, track: number, { onAudio }: PacketListener): Promise<void> {
  for await (const { clock, line } of readPacketLines(lines))
    onAudio(track, ((line.pts ?? line.dts) * clock.num) / clock.den);
}

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
  const changed = new Condition();

  const onReport = () => {
    reported += 1;
    changed.notify();
  };
  const run = runFfmpeg(
    {
      binary: job.binary,
      directory: job.directory,
      secret: job.url,
      signal,
      inputs: [
        { from: job.url, options: ["-hide_banner", "-nostdin", "-loglevel", "error", ...untrustedInput(job.format)] },
      ],
      files: [{ path: `%05d.${job.container.extension}`, options: cutOptions(job) }],
      // The list is the first, pipe:3, which the options of the segments name.
      pipes: { list: null, picture: pictureOutputs(job), audio: audioOutputs(job) },
    },
    async ({ outputs: { list, picture, audio } }) => {
      await Promise.all([
        eachLine(list, onReport),
        listenToVideo(job, picture),
        ...audio.map((pipe, track) => listenToAudio(pipe, track, job.listener)),
      ]);
    },
  )
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      ended = true;
      job.listener.onEnd();
      changed.notify();
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
      if (index < reported) await sleep(NEXT_FILE_MS);
      else await changed.waitFor(() => ended || index < reported, signal);
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
