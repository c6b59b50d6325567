import { isCausedByFile } from "../process/errors.ts";
import { type Decoded, decodeSegment } from "./decode-segment.ts";
import type { SegmentFile } from "./segment-file.ts";

/**
 * Whether the pictures of a produced file decode, on its own and from its own parameters. The first
 * group of pictures tells: what follows it is as good or bad as the source's.
 */

/** More than any decoder holds back: a frame that is missing among the first ones shows. */
const MAX_CHECKED_FRAMES = 18;

/** Decoding costs by the byte: of large pictures, fewer are looked at. */
const MAX_CHECKED_BYTES = 256 * 1024;
const MIN_CHECKED_FRAMES = 4;

/** What a viewer gets to see of a file. */
export type Playback = {
  /** Frames that a decoder gives. */
  frames: number;
  /** Frames that the file holds, and no decoder gives. */
  undecodable: number;
  /** Places of the first and the last frame that come, among all frames in presentation order. */
  first: number;
  last: number;
  /** In pixels, as displayed; undefined where no frame comes. */
  size: [number, number] | undefined;
};

/** The frames that a file holds. */
export type SegmentFrames = {
  /** In presentation order; the time in seconds on the clock of whoever read the file. */
  frames: readonly { time: number; bytes: number }[];
  /** Seconds by which the container may round a time. */
  rounding: number;
};

/**
 * Decodes the file's first frames, and all of it where not all of these come, or where `decodeAll` asks
 * for it. Throws what is the machine's fault, and the signal's reason.
 */
export async function measurePlayback(segment: SegmentFile, held: SegmentFrames, decodeAll = false): Promise<Playback> {
  const { length } = held.frames;
  const all = { frames: length, undecodable: 0, first: 0, last: length - 1 };
  if (!decodeAll) {
    const asked = checkedFrames(held);
    const begun = await decoded(segment, asked);
    if (missingAmong(held, asked, begun) === 0) return { ...all, size: begun.size };
  }
  const { times: came, size } = await decoded(segment);
  if (came.length >= length) return { ...all, size };
  // Where each frame is two packets, of its fields, the last one ends with the second.
  const [undecodable, last] = [length - came.length, placeOf(held, Math.max(...came))];
  return {
    ...{ frames: came.length, undecodable, first: placeOf(held, Math.min(...came)), size },
    last: undecodable >= came.length && last === length - 2 ? last + 1 : last,
  };
}

/** A file that ffmpeg can't open, or gives up on, gives no frame. */
async function decoded(segment: SegmentFile, atMost?: number): Promise<Decoded> {
  try {
    return await decodeSegment(segment, atMost);
  } catch (error) {
    if (!isCausedByFile(error)) throw error;
    return { times: [], size: undefined };
  }
}

/** How many of the first frames are looked at. */
function checkedFrames({ frames }: SegmentFrames): number {
  let bytes = 0;
  const enough = frames.findIndex((frame, index) => {
    bytes += frame.bytes;
    return index + 1 >= MIN_CHECKED_FRAMES && bytes > MAX_CHECKED_BYTES;
  });
  return Math.min(MAX_CHECKED_FRAMES, frames.length, enough === -1 ? frames.length : enough + 1);
}

/** Of the frames that were asked for, or that should have come until the last one that came. */
function missingAmong({ frames, rounding }: SegmentFrames, asked: number, { times: came }: Decoded): number {
  if (came.length < asked) return asked - came.length;
  const last = frames[0]!.time + Math.max(...came) + rounding;
  return Math.max(0, frames.filter(({ time }) => time <= last).length - came.length);
}

/** The place of the frame that is shown closest to a time, in seconds from the first one. */
function placeOf({ frames }: SegmentFrames, seconds: number): number {
  const time = frames[0]!.time + seconds;
  let nearest = 0;
  for (const [index, other] of frames.entries())
    if (Math.abs(other.time - time) < Math.abs(frames[nearest]!.time - time)) nearest = index;
  return nearest;
}
