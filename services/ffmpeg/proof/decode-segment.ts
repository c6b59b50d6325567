import { isIso, isMatroska } from "../formats/containers.ts";
import { isNalCodec } from "../formats/nal/units.ts";
import { PACKET_LINES, readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { LATE_VIDEO_OPTIONS, type SegmentFile } from "./segment-file.ts";

/** What a decoder gives of a produced file's picture, set up from that file alone. */
export type Decoded = {
  /** When each frame is shown, in the order in which they come: seconds from the first packet that is shown. */
  times: number[];
  /** Of the first frame, in pixels as displayed; undefined where none comes. */
  size: [number, number] | undefined;
};

/**
 * Only whether frames come counts, not what they look like: without the loop filter and the inverse
 * transform, decoding costs half.
 */
const CHEAP = ["-skip_loop_filter", "all", "-skip_idct", "all"];

const QUIET = ["-hide_banner", "-nostdin", "-loglevel", "error", "-copyts"];

/**
 * These state all of the picture's parameters; elsewhere, and for other codecs (MPEG-4 part 2 in MOV),
 * ffmpeg has to decode some frames to know them.
 */
const openingOf = ({ container, codec }: SegmentFile): string[] =>
  isNalCodec(codec) && (isIso(container) || isMatroska(container)) ? ["-nofind_stream_info"] : [...LATE_VIDEO_OPTIONS];

/** What threads that decode a frame each make of damage depends on their number. */
const DETERMINISTIC_DECODING = ["-thread_type", "slice"];

/** Each thread more would decode a frame more than is asked for. */
const ONE_THREAD = ["-threads", "1"];

/** ffmpeg gives up where more than two thirds of the packets fail; all of them are to be tried. */
const ANY_ERRORS = ["-max_error_rate", "1"];

/** In the file's own clock, not in that of a frame rate. */
const OWN_TIMES = ["-enc_time_base", "-1"];

/** Among so many packets, the one that is shown first comes. */
const MIN_PACKETS = 8;

/** How ffmpeg's frame checksums state the size: in a comment before the first frame. */
const DIMENSIONS = /^#dimensions 0: (\d+)x(\d+)/;

/**
 * Decodes the picture of a produced file from its beginning: `atMost` frames of it, or all. What the
 * decoder complains about isn't an error here: frames that don't come are. Throws `FfmpegError`
 * where the file can't be opened, what is the machine's fault, and the signal's reason.
 */
export async function decodeSegment(segment: SegmentFile, atMost?: number): Promise<Decoded> {
  const { binary, directory, path, signal } = segment;
  const threads = atMost === undefined ? DETERMINISTIC_DECODING : ONE_THREAD;
  const options = [...QUIET, ...openingOf(segment), ...ANY_ERRORS, ...boundedDecoding, ...CHEAP, ...threads];
  const frames = ["-map", "0:v:0", ...(atMost === undefined ? [] : ["-frames:v", String(atMost)])];
  const packets = ["-map", "0:v:0", "-frames:v", String(Math.max(MIN_PACKETS, atMost ?? 0)), "-c", "copy"];
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
