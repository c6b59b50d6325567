import { isIso, isMatroska } from "../formats/containers.ts";
import { isNalCodec } from "../formats/nal/units.ts";
import { PACKET_LINES, readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { LATE_VIDEO_OPTIONS, type SegmentFile } from "./segment-file.ts";

/** The decoded frames of a segment file, with a decoder that is set up from that file only. */
export type Decoded = {
  /**
   * Presentation time of each frame, in output order: seconds from the first packet in presentation
   * order.
   */
  times: number[];
  /** Size of the first frame in pixels, as displayed; undefined when there's no frame. */
  size: [number, number] | undefined;
};

/**
 * Frames are only counted, so the loop filter and the inverse transform are skipped: half the cost.
 */
const FAST_DECODING = ["-skip_loop_filter", "all", "-skip_idct", "all"];

const QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error", "-copyts"];

/**
 * MP4 and Matroska contain all parameters of H.264 and HEVC. For other containers and codecs
 * (MPEG-4 part 2 in MOV), ffmpeg must decode some frames to find them.
 */
const openingOf = ({ container, codec }: SegmentFile): string[] =>
  isNalCodec(codec) && (isIso(container) || isMatroska(container)) ? ["-nofind_stream_info"] : [...LATE_VIDEO_OPTIONS];

/** With frame threads, the output for damaged input depends on the number of threads. */
const DETERMINISTIC_DECODING = ["-thread_type", "slice"];

/** Each further thread would decode one more frame than requested. */
const ONE_THREAD = ["-threads", "1"];

/** By default, ffmpeg stops when more than two thirds of the packets fail. */
const ANY_ERRORS = ["-max_error_rate", "1"];

/** Keeps the file's time base instead of that of a frame rate. */
const OWN_TIMES = ["-enc_time_base", "-1"];

/** The first packet in presentation order is among this many. */
const MIN_PACKETS = 8;

/** The size in ffmpeg's framecrc output: a comment before the first frame. */
const DIMENSIONS = /^#dimensions 0: (\d+)x(\d+)/;

/**
 * Decodes the video of a segment file from its beginning: at most `maxFrames` frames, or all of
 * them. Decoder messages aren't errors here; missing frames are. Throws `FfmpegError` when the file
 * can't be opened, failures of the machine, and the signal's reason.
 */
export async function decodeSegment(segment: SegmentFile, maxFrames?: number): Promise<Decoded> {
  const { binary, directory, path, signal } = segment;
  const threads = maxFrames === undefined ? DETERMINISTIC_DECODING : ONE_THREAD;
  const options = [...QUIET, ...openingOf(segment), ...ANY_ERRORS, ...boundedDecoding, ...FAST_DECODING, ...threads];
  const frames = ["-map", "0:v:0", ...(maxFrames === undefined ? [] : ["-frames:v", String(maxFrames)])];
  const packets = ["-map", "0:v:0", "-frames:v", String(Math.max(MIN_PACKETS, maxFrames ?? 0)), "-c", "copy"];
  const decoded: Decoded = { times: [], size: undefined };
  let start = Number.POSITIVE_INFINITY;
  await runFfmpeg(
    {
      ...{ binary, directory, signal, inputs: [{ from: path, options }] },
      pipes: {
        frames: [...frames, "-vsync", "passthrough", ...OWN_TIMES, "-c:v", "wrapped_avframe", ...PACKET_LINES],
        packets: [...packets, "-copyinkf", ...PACKET_LINES],
      },
    },
    async ({ outputs }) => {
      const onComment = (text: string) => {
        const [, width, height] = DIMENSIONS.exec(text) ?? [];
        if (width !== undefined && height !== undefined) decoded.size ??= [Number(width), Number(height)];
      };
      const onPacket = (time: number) => {
        start = Math.min(start, time);
      };
      const onFrame = (time: number) => decoded.times.push(time);
      await Promise.all([readTimes(outputs.frames, onFrame, onComment), readTimes(outputs.packets, onPacket)]);
    },
  );
  if (decoded.times.length === 0) return { times: [], size: undefined };
  return { ...decoded, times: decoded.times.map((time) => time - start) };
}

async function readTimes(
  pipe: OutputPipe,
  onTime: (seconds: number) => void,
  onComment?: (text: string) => void,
): Promise<void> {
  for await (const { clock, line } of readPacketLines(pipe, onComment))
    onTime(((line.pts ?? line.dts) * clock.num) / clock.den);
}
