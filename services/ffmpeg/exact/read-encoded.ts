import { av1Reader } from "../formats/av1/stream.ts";
import { type MatroskaTrack, readMatroska } from "../formats/matroska/reader.ts";
import { type MatroskaHeader, matroskaHeader, withCodecPrivate } from "../formats/matroska/writer.ts";
import { withVideoSignalType } from "../formats/mpeg4-video-signal-type.ts";
import { unreadable } from "../process/errors.ts";
import { PACKET_LINES } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import type { VideoFormat } from "../source/video-format.ts";
import { videoSignalTypeOf } from "./colours.ts";
import type { DecodedFrameTimes } from "./decoded-frame-times.ts";
import type { EncodedFrame } from "./encoded-segment-writer.ts";
import type { Encoder } from "./encoders.ts";

/** By default, ffmpeg stops when more than two thirds of the packets fail. */
export const ANY_ERRORS = ["-max_error_rate", "1"];

/** Frames are farther apart; a container may round their times by a millisecond. */
export const SELECTED_EARLIER_SECONDS = 0.0005;

const filter = (filters: readonly string[]): string[] => (filters.length === 0 ? [] : ["-vf", filters.join(",")]);

export type EncoderOutputs = {
  /** ffmpeg's specifier of the video stream, such as "0:1". */
  stream: string;
  encoder: Encoder;
  /** Time bases of the decoded frames' times and of the encoder, as ffmpeg's -enc_time_base. */
  clocks: { decoded: string; encoded: string };
  /** Filters that select the frames to encode. */
  selected: readonly string[];
  /** ffmpeg's -force_key_frames; empty: none is forced. */
  keyframes: string;
};

/** ffmpeg's outputs of an encoding: the times of the decoded frames, and the encoded frames. */
export function encoderOutputs({ stream, encoder, clocks, selected, keyframes }: EncoderOutputs) {
  const map = ["-map", stream, "-map_chapters", "-1", "-vsync", "passthrough"];
  return {
    decoded: [
      ...map,
      ...filter(selected),
      "-enc_time_base",
      clocks.decoded,
      "-c:v",
      "wrapped_avframe",
      ...PACKET_LINES,
    ],
    encoded: [
      ...[...map, "-enc_time_base", clocks.encoded, ...filter([...selected, ...encoder.filters])],
      ...(keyframes === "" ? [] : ["-force_key_frames", keyframes]),
      ...[...encoder.options, "-flush_packets", "1", "-f", encoder.stream],
    ],
  };
}

export type EncodedReading = {
  encoder: Encoder;
  /** Format of the source's video. */
  videoFormat: VideoFormat;
  /** Of the decoded frames, which are as many. */
  times: DecodedFrameTimes;
  /** Adds the source's mastering metadata to a keyframe. */
  mastering: Promise<(keyframe: Buffer) => Buffer>;
  onHeader: (header: MatroskaHeader) => void;
  /** Called for each frame in presentation order; `next` is the time of the frame after it. */
  onFrame: (frame: EncodedFrame, next: number) => Promise<void>;
  /** Time of the frame after the last one. Default: the last one gets the average duration. */
  end?: number | undefined;
  /** Duration of an only frame: seconds. */
  loneFrameSeconds: number;
  signal: AbortSignal;
};

/** Reads the encoded frames from ffmpeg. Resolves when all were passed on. */
export async function readEncoded(pipe: OutputPipe, reading: EncodedReading): Promise<void> {
  const { encoder, videoFormat, times, mastering, onHeader, onFrame, end, loneFrameSeconds, signal } = reading;
  let hasHeader = false;
  let pending: EncodedFrame | undefined;
  let count = 0;
  let firstTime = 0;
  const onTracks = (tracks: MatroskaTrack[]) => {
    onHeader(matroskaHeader(tracks.map((track) => withColours(track, encoder, videoFormat))));
    hasHeader = true;
  };
  const readStream = encoder.stream === "ivf" ? av1Reader(videoFormat) : readMatroska;
  await readStream(pipe, onTracks, async ({ data, key, additions }) => {
    if (!hasHeader) throw unreadable("ffmpeg wrote no header for the encoded video");
    const time = await times.of(count, signal);
    if (count === 0) firstTime = time;
    count += 1;
    if (pending !== undefined) await onFrame(pending, time);
    const own = Buffer.from(key ? (await mastering)(data) : data);
    pending = { time, key, data: own, additions: additions && Buffer.from(additions) };
  });
  if (pending === undefined) return;
  const mean = (pending.time - firstTime) / Math.max(1, count - 1) || loneFrameSeconds;
  await onFrame(pending, end ?? pending.time + mean);
}

/** ffmpeg writes no colours into MPEG-4 video. */
function withColours(track: MatroskaTrack, encoder: Encoder, videoFormat: VideoFormat): MatroskaTrack {
  const signal = videoSignalTypeOf(videoFormat);
  if (encoder.codec !== "mpeg4" || signal === undefined || track.codecPrivate === undefined) return track;
  return withCodecPrivate(track, withVideoSignalType(track.codecPrivate, signal));
}
