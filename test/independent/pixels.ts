import type { Readable } from "node:stream";
import { ffmpegPipe, ownTimes, tools } from "./tools.ts";
import { decodingOf, type Frame, type Video, type VideoTrack } from "./video.ts";

/** Differing frames by segment, each with the source's frame at its time. */
export type Difference = Decoded & { pairs: { mine: Frame; theirs: Frame }[] };

type Decoded = { track: VideoTrack; video: Video };

/**
 * More ranges would make the filter expression slow: the frames between them are decoded and
 * dropped.
 */
const MAX_RANGES = 200;

type Range = { from: number; to: number };

/** Consecutive frame indexes as ranges. The smallest gaps are included when there are too many. */
export function rangesOf(ordinals: readonly number[], max = MAX_RANGES): Range[] {
  const ranges: Range[] = [];
  for (const ordinal of ordinals) {
    const last = ranges.at(-1);
    if (last !== undefined && ordinal <= last.to + 1) last.to = Math.max(last.to, ordinal);
    else ranges.push({ from: ordinal, to: ordinal });
  }
  while (ranges.length > max) {
    const gaps = ranges.slice(1).map(({ from }, at) => from - ranges[at]!.to);
    const widest = [...gaps].sort((one, other) => one - other)[ranges.length - max - 1]!;
    const merged = [ranges[0]!];
    ranges.slice(1).forEach((range, at) => {
      if (gaps[at]! <= widest) merged.at(-1)!.to = range.to;
      else merged.push(range);
    });
    ranges.splice(0, ranges.length, ...merged);
  }
  return ranges;
}

/** Fills `target`; false when the stream ends before. */
function exactReader(stream: Readable) {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  return async (target: Uint8Array): Promise<boolean> => {
    let filled = 0;
    while (filled < target.length) {
      if (rest.length === 0) {
        const next = await chunks.next();
        if (next.done === true) return false;
        rest = next.value;
      }
      const taken = rest.subarray(0, target.length - filled);
      target.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
    }
    return true;
  };
}

/**
 * The expression by which ffmpeg's filter `select` selects a range: by frame number, or by time
 * after a change of the frame size, which restarts the numbers.
 */
function selectorOf({ from, to }: Range, { track, video: { frames, tick } }: Decoded): string {
  const [{ size }] = frames as [Frame];
  if (frames.every((frame) => frame.size[0] === size[0] && frame.size[1] === size[1]))
    return `between(n,${from},${to})`;
  const { ahead } = ownTimes(track.format);
  const times = frames.filter(({ ordinal }) => ordinal >= from && ordinal <= to).map(({ time }) => time + ahead);
  return `between(t,${Math.min(...times) - tick / 2},${Math.max(...times) + tick / 2})`;
}

type Wanted = { frames: readonly Frame[]; pixelFormat: string; rotate: boolean };

/** Decodes the requested frames of a track in decoder order, with one frame in memory. */
async function* framesOf(decoded: Decoded, { frames, pixelFormat, rotate }: Wanted) {
  const { passthrough, keepsSizes } = await tools();
  const wanted = new Map(frames.map((frame) => [frame.ordinal, frame]));
  const ranges = rangesOf([...wanted.keys()].sort((one, other) => one - other));
  const select = ranges.map((range) => selectorOf(range, decoded)).join("+");
  const filter = `select='${select}',format=${pixelFormat}`;
  const args = [...decodingOf(decoded.track, rotate), "-vf", filter, ...passthrough, ...keepsSizes, "-f", "rawvideo"];
  const { output, stop } = await ffmpegPipe(args);
  try {
    const read = exactReader(output);
    for (const { from, to } of ranges) {
      for (let ordinal = from; ordinal <= to; ordinal += 1) {
        const frame = wanted.get(ordinal) ?? [...wanted.values()][0]!;
        const pixels = new Uint8Array(frame.bytes);
        if (!(await read(pixels))) return;
        if (wanted.has(ordinal)) yield { frame, pixels };
      }
    }
  } finally {
    stop();
  }
}

/** Bits per sample, from the pixel format's name; 8 when it has no number. */
const depthOf = (pixelFormat: string): number => Number(/(\d+)(?:le|be)$/.exec(pixelFormat)?.[1] ?? 8);

/** PSNR over all samples of all planes in decibels, as ffmpeg's `psnr_avg`; infinite when equal. */
export function psnr(one: Uint8Array, other: Uint8Array, depth: number): number {
  const [a, b] =
    depth > 8
      ? [new Uint16Array(one.buffer, 0, one.length >> 1), new Uint16Array(other.buffer, 0, other.length >> 1)]
      : [one, other];
  let squares = 0;
  for (let at = 0; at < a.length; at += 1) {
    const difference = a[at]! - b[at]!;
    squares += difference * difference;
  }
  const peak = 2 ** depth - 1;
  return squares === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10((peak * peak * a.length) / squares);
}

const isTransposed = ({ mine, theirs }: { mine: Frame; theirs: Frame }): boolean =>
  mine.size[0] !== mine.size[1] && mine.size[0] === theirs.size[1] && mine.size[1] === theirs.size[0];

const isComparable = (pair: { mine: Frame; theirs: Frame }): boolean =>
  isTransposed(pair) || (pair.mine.size[0] === pair.theirs.size[0] && pair.mine.size[1] === pair.theirs.size[1]);

/**
 * PSNR of each differing frame in decibels, with the index of its difference; `uncompared`: those of
 * another size. Reads the source once, forward, and each segment once.
 */
export async function comparePixels(source: Decoded, differences: readonly Difference[]) {
  const all = differences.flatMap(({ pairs }) => pairs);
  const comparable = all.filter(isComparable);
  const [sample] = comparable;
  const values: { at: number; frame: Frame; decibels: number }[] = [];
  if (sample === undefined) return { values, uncompared: all.length };
  const pixelFormat = sample.theirs.pixelFormat;
  const depth = depthOf(pixelFormat);
  // When only the segment has its rotation applied, it's applied to both.
  const rotate = isTransposed(sample);
  const theirs = framesOf(source, { frames: comparable.map((pair) => pair.theirs), pixelFormat, rotate });
  let current = await theirs.next();
  try {
    for (const [at, { pairs, ...decoded }] of differences.entries()) {
      const compared = pairs.filter(isComparable);
      if (compared.length === 0) continue;
      const partners = new Map(compared.map((pair) => [pair.mine.ordinal, pair.theirs]));
      // In the source's pixel format, so that frames have the same number of bytes.
      const frames = compared.map(({ mine, theirs: { bytes } }) => ({ ...mine, bytes }));
      for await (const { frame, pixels } of framesOf(decoded, { frames, pixelFormat, rotate })) {
        const partner = partners.get(frame.ordinal)!;
        while (current.done !== true && current.value.frame.ordinal < partner.ordinal) current = await theirs.next();
        if (current.done === true || current.value.frame.ordinal !== partner.ordinal) continue;
        values.push({ at, frame, decibels: psnr(pixels, current.value.pixels, depth) });
      }
    }
  } finally {
    await theirs.return(undefined);
  }
  return { values, uncompared: all.length - values.length };
}
