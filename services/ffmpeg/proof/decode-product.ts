import { readPacketLines } from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";
import { runFfmpeg } from "../process/run-ffmpeg.ts";
import { boundedDecoding } from "../process/sandbox.ts";
import { isIso, isMatroska, type Product } from "./product.ts";

/** What a decoder gives of a produced file's picture, set up from that file alone. */
export type Decoded = {
  /** When each frame is shown, in the order in which they come: seconds on the file's own clock. */
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

/** These name the codec and its parameters; elsewhere ffmpeg has to decode some frames to know them. */
const openingOf = ({ container }: Product): string[] =>
  isIso(container) || isMatroska(container) ? ["-nofind_stream_info"] : [];

/** What threads that decode a frame each make of damage depends on their number. */
const SAME_EACH_TIME = ["-thread_type", "slice"];

/** Each thread more would decode a frame more than is asked for. */
const ONE_THREAD = ["-threads", "1"];

/** ffmpeg gives up where more than two thirds of the packets fail; all of them are to be tried. */
const ANY_ERRORS = ["-max_error_rate", "1"];

/** In the file's own clock, not in that of a frame rate. */
const OWN_TIMES = ["-enc_time_base", "-1"];

/** How ffmpeg's frame checksums state the size: in a comment before the first frame. */
const DIMENSIONS = /^#dimensions 0: (\d+)x(\d+)/;

/**
 * Decodes the picture of a produced file from its beginning: `atMost` frames of it, or all. What the
 * decoder complains about isn't an error here: frames that don't come are. Throws `FfmpegError`
 * where the file can't be opened, what is the machine's fault, and the signal's reason.
 */
export async function decodeProduct(product: Product, atMost?: number): Promise<Decoded> {
  const { binary, directory, path, signal } = product;
  const threads = atMost === undefined ? SAME_EACH_TIME : ONE_THREAD;
  const options = [...QUIET, ...openingOf(product), ...ANY_ERRORS, ...boundedDecoding, ...CHEAP, ...threads];
  const limit = atMost === undefined ? [] : ["-frames:v", String(atMost)];
  const decoded: Decoded = { times: [], size: undefined };
  await runFfmpeg(
    {
      binary,
      directory,
      signal,
      inputs: [{ from: path, options }],
      pipes: {
        frames: [
          "-map",
          "0:v:0",
          ...limit,
          "-vsync",
          "passthrough",
          ...OWN_TIMES,
          "-c:v",
          "wrapped_avframe",
          "-f",
          "framecrc",
        ],
      },
    },
    async ({ outputs }) => {
      const onComment = (text: string) => {
        const [, width, height] = DIMENSIONS.exec(text) ?? [];
        if (width !== undefined && height !== undefined) decoded.size ??= [Number(width), Number(height)];
      };
      await readTimes(outputs.frames, onComment, decoded.times);
    },
  );
  return decoded.times.length === 0 ? { times: [], size: undefined } : decoded;
}

async function readTimes(pipe: OutputPipe, onComment: (text: string) => void, times: number[]): Promise<void> {
  for await (const { clock, line } of readPacketLines(pipe, onComment))
    times.push(((line.pts ?? line.dts) * clock.num) / clock.den);
}
