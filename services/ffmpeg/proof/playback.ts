import { type MissingRun, missingRuns, nearest } from "../../split/domain/missing-frames.ts";
import { isCausedByFile } from "../process/errors.ts";
import { type Decoded, decodeSegment } from "./decode-segment.ts";
import type { SegmentFile } from "./segment-file.ts";

/**
 * Whether a segment file decodes on its own, with its own parameters. Usually the first group of
 * pictures is enough: the rest decodes as in the source.
 */

/** More frames than any decoder holds back, so that a missing one is noticed. */
const MAX_CHECKED_FRAMES = 18;

/** The cost of decoding depends on bytes: fewer frames are checked when these are large. */
const MAX_CHECKED_BYTES = 256 * 1024;
const MIN_CHECKED_FRAMES = 4;

/** The frames of a file that a decoder returns. */
export type Playback = {
  /** Number of frames that a decoder returns. */
  frames: number;
  /** Number of frames that the file has and no decoder returns. */
  undecodable: number;
  /** Indexes of the first and last returned frame, among all frames in presentation order. */
  first: number;
  last: number;
  /** Frames that no decoder returns. Empty where not all frames were decoded. */
  missing: readonly MissingRun[];
  /** In pixels, as displayed; undefined when no frame is returned. */
  size: [number, number] | undefined;
};

/** The frames that a file has. */
export type SegmentFrames = {
  /** In presentation order; time in seconds, on the clock of the file's reader. */
  frames: readonly { time: number; bytes: number }[];
  /** Seconds by which the container may round times. */
  rounding: number;
};

/**
 * Decodes the first frames of a file; all frames if one of these is missing, or with `decodeAll`.
 * Throws failures of the machine, and the signal's reason.
 */
export async function measurePlayback(
  segment: SegmentFile,
  segmentFrames: SegmentFrames,
  decodeAll = false,
): Promise<Playback> {
  const { length } = segmentFrames.frames;
  const all = { frames: length, undecodable: 0, first: 0, last: length - 1, missing: [] };
  if (!decodeAll) {
    const requested = checkedFrames(segmentFrames);
    const firstFrames = await decoded(segment, requested);
    if (missingAmong(segmentFrames, requested, firstFrames) === 0) return { ...all, size: firstFrames.size };
  }
  const { times: returned, size } = await decoded(segment);
  if (returned.length >= length) return { ...all, size };
  const origin = segmentFrames.frames[0]!.time;
  const missing = missingRuns(
    segmentFrames.frames.map(({ time }) => time - origin),
    returned,
  );
  if (returned.length === 0) return { ...all, frames: 0, undecodable: length, missing, size };
  // When each frame consists of two packets (fields), the last frame is the second one.
  const [undecodable, last] = [length - returned.length, indexAt(segmentFrames, Math.max(...returned))];
  return {
    ...{ frames: returned.length, undecodable, first: indexAt(segmentFrames, Math.min(...returned)), missing, size },
    last: undecodable >= returned.length && last === length - 2 ? last + 1 : last,
  };
}

/** Decodes a file; one that ffmpeg can't open or abandons has no frames. */
async function decoded(segment: SegmentFile, maxFrames?: number): Promise<Decoded> {
  try {
    return await decodeSegment(segment, maxFrames);
  } catch (error) {
    if (!isCausedByFile(error)) throw error;
    return { times: [], size: undefined };
  }
}

/** Number of frames at the beginning that are checked. */
function checkedFrames({ frames }: SegmentFrames): number {
  let bytes = 0;
  const enough = frames.findIndex((frame, index) => {
    bytes += frame.bytes;
    return index + 1 >= MIN_CHECKED_FRAMES && bytes > MAX_CHECKED_BYTES;
  });
  return Math.min(MAX_CHECKED_FRAMES, frames.length, enough === -1 ? frames.length : enough + 1);
}

/** Number of missing frames among those requested, or those up to the last one returned. */
function missingAmong({ frames, rounding }: SegmentFrames, requested: number, { times: returned }: Decoded): number {
  if (returned.length < requested) return requested - returned.length;
  const last = frames[0]!.time + Math.max(...returned) + rounding;
  return Math.max(0, frames.filter(({ time }) => time <= last).length - returned.length);
}

/** Index of the frame closest to a time, in seconds from the first one. */
const indexAt = ({ frames }: SegmentFrames, seconds: number): number =>
  nearest(
    frames.map(({ time }) => time - frames[0]!.time),
    seconds,
  );
