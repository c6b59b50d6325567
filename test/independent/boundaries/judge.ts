import { comparePixels } from "../pixels.ts";
import { MIN_PSNR_DB, TIME_ROUNDING_S } from "../tolerances.ts";
import type { Frame } from "../video.ts";
import type { Measured, Slices } from "./measure.ts";

/**
 * Compares the segments of a split with the frames and packets of their source. It uses nothing of
 * what made them: where a segment must begin and end follows from the times of the source's frames.
 */

/** Frames by their place in presentation order, `from` included and `to` not. */
export type Interval = { from: number; to: number };

/** Same as one tick more or less of any container. */
const SAME_S = 1e-5;

/** A shorter remainder belongs to the segment before it: docs/upload.md. Seconds. */
const MIN_REMAINDER_S = 0.5;

/** Each segment has the frames from k·X on, until (k + 1)·X. Windows without frames have no segment. */
export function intervalsOf(frames: readonly Frame[], seconds: number): Interval[] {
  const origin = frames[0]?.time ?? 0;
  const starts: number[] = [];
  let window = -1;
  frames.forEach(({ time }, at) => {
    const own = Math.floor((time - origin + SAME_S) / seconds);
    if (own > window) starts.push(at);
    window = Math.max(window, own);
  });
  const last = frames.at(-1);
  const remainder = last === undefined ? 0 : last.time + last.duration - frames[starts.at(-1)!]!.time;
  if (starts.length > 1 && remainder < MIN_REMAINDER_S - SAME_S) starts.pop();
  return starts.map((from, at) => ({ from, to: starts[at + 1] ?? frames.length }));
}

/** ffprobe rounds to microseconds. */
const keyOf = (time: number): number => Math.round(time * 1e6);
const keysOf = (time: number): number[] => [0, 1, -1].map((by) => keyOf(time) + by);

/** The packets of a source, by its frames. Undefined where frames and packets aren't the same. */
export type PacketPlaces = {
  /** Of each frame: its packet. */
  packetOf: readonly number[];
  /** Of each packet: its frame; -1 where it isn't decoded. */
  frameOf: readonly number[];
};

export function packetPlaces(frames: readonly Frame[], packets: readonly Slices[]): PacketPlaces | undefined {
  const byTime = new Map(packets.map(({ time }, at) => [keyOf(time), at]));
  const packetOf = frames.map(({ time }) => keysOf(time).flatMap((key) => byTime.get(key) ?? [])[0] ?? -1);
  if (packetOf.includes(-1) || new Set(packetOf).size !== frames.length) return undefined;
  const frameOf = packets.map(() => -1);
  packetOf.forEach((packet, frame) => {
    frameOf[packet] = frame;
  });
  return { packetOf, frameOf };
}

/**
 * The frames that must be the source's to the bit: from the first keyframe in the interval, up to
 * the last packet that needs nothing behind the interval. Empty where there's no keyframe. Where the
 * sample description changes in the interval, a segment has one of them: those with the most frames.
 */
export function unchangedIn(
  interval: Interval,
  source: Pick<Measured, "frames" | "packets">,
  places: PacketPlaces,
): Interval {
  let longest = { from: interval.to, to: interval.to };
  for (let from = interval.from; from < interval.to; ) {
    const found = unchangedFrom(from, interval.to, source, places);
    if (found.to - found.from > longest.to - longest.from) longest = found;
    from = Math.max(found.to, found.from + 1);
  }
  return longest;
}

/** The first such frames of one sample description. */
function unchangedFrom(
  from: number,
  to: number,
  { frames, packets }: Pick<Measured, "frames" | "packets">,
  places: PacketPlaces,
): Interval {
  for (let key = from; key < to; key += 1) {
    const packet = places.packetOf[key]!;
    if (!packets[packet]!.isKey || !frames[key]!.isKey) continue;
    const { description } = packets[packet]!;
    let highest = key;
    let taken = 0;
    let end = key;
    for (let at = packet; at < packets.length; at += 1) {
      const frame = places.frameOf[at]!;
      // Shown before the keyframe: open groups of pictures.
      if (frame !== -1 && frame < key) continue;
      if (frame === -1 || frame >= to || packets[at]!.description !== description) break;
      taken += 1;
      highest = Math.max(highest, frame);
      if (highest - key + 1 === taken) end = highest + 1;
    }
    return { from: key, to: end };
  }
  return { from: to, to };
}

export type Judgement = {
  index: number;
  /** Frames that the source has in the interval, and the segment. */
  expected: number;
  frames: number;
  /** From the boundary to the next keyframe, or the interval's end. */
  toKeyframe: number;
  /** Whether the boundary is on a keyframe. */
  isOnKey: boolean;
  /** Frames whose pixels are the source's. */
  identical: number;
  /** PSNR of the others, in the segment's order. dB. */
  decibels: number[];
  faults: string[];
};

/** Counted from the segments' first frames. Seconds. */
function timeFault(mine: readonly Frame[], theirs: readonly Frame[], tolerance: number): string[] {
  const [first, begin] = [mine[0]?.time ?? 0, theirs[0]?.time ?? 0];
  const at = mine.findIndex(({ time }, place) => {
    const own = theirs[place];
    return own !== undefined && Math.abs(time - first - (own.time - begin)) > tolerance;
  });
  return at === -1 ? [] : [`frame ${at} isn't at its time`];
}

/** A segment, and the frames of the source that it must have. */
export type Made = {
  index: number;
  interval: Interval;
  measured: Measured;
  /** All of it is encoded, so that nothing must be unchanged. Default: no. */
  isEncoded?: boolean;
};

/** Everything about one segment but the PSNR of its frames. */
function judgeSegment({ measured: segment, interval, isEncoded }: Made, source: Measured, places?: PacketPlaces) {
  const theirs = source.frames.slice(interval.from, interval.to);
  const mine = segment.video.frames;
  const faults: string[] = [];
  if (mine.length !== theirs.length) faults.push(`${mine.length} frames instead of ${theirs.length}`);
  faults.push(...timeFault(mine, theirs, TIME_ROUNDING_S + source.video.tick + segment.video.tick));
  const isKnown = places !== undefined;
  const unchanged =
    isKnown && isEncoded !== true ? unchangedIn(interval, source, places) : { from: interval.to, to: interval.to };
  if (mine[0]?.isKey !== true || (segment.packets.length > 0 && !segment.packets[0]!.isKey))
    faults.push("it doesn't begin with a keyframe");
  if (isKnown && segment.packets.length !== mine.length)
    faults.push(`${segment.packets.length} packets have ${mine.length} frames`);
  const inOrder = segment.packets.toSorted((one, other) => one.time - other.time);
  let [pixels, packets] = [0, 0];
  for (let frame = unchanged.from; frame < unchanged.to; frame += 1) {
    const place = frame - interval.from;
    if (mine[place]?.hash !== source.frames[frame]!.hash) pixels += 1;
    if (inOrder[place]?.hash !== source.packets[places!.packetOf[frame]!]!.hash) packets += 1;
  }
  const behind = "behind the next keyframe differ from the source's";
  if (pixels > 0) faults.push(`${pixels} of ${unchanged.to - unchanged.from} frames ${behind}`);
  if (packets > 0) faults.push(`${packets} of ${unchanged.to - unchanged.from} packets ${behind}`);
  const pairs = mine.flatMap((frame, place) => {
    const own = theirs[place];
    return own === undefined || own.hash === frame.hash ? [] : [{ mine: frame, theirs: own }];
  });
  return { faults, pairs, unchanged, identical: Math.min(mine.length, theirs.length) - pairs.length };
}

/** Judges the segments, in order, each with its interval of the source's frames. */
export async function judge(source: Measured, segments: readonly Made[]): Promise<Judgement[]> {
  const places = packetPlaces(source.frames, source.packets);
  const found = segments.map((segment) => judgeSegment(segment, source, places));
  const differences = segments.map(({ measured: { track, video } }, at) => ({ track, video, pairs: found[at]!.pairs }));
  const { values, uncompared } = await comparePixels(source, differences);
  const judged = segments.map(({ index, interval, measured }, at): Judgement => {
    const { faults, unchanged, identical, pairs } = found[at]!;
    const decibels = values.filter((value) => value.at === at).map((value) => value.decibels);
    if (decibels.length < pairs.length)
      faults.push(`${pairs.length - decibels.length} of ${uncompared} frames can't be compared`);
    const isOnKey = unchanged.from === interval.from && unchanged.to > unchanged.from;
    return {
      ...{ index, expected: interval.to - interval.from, frames: measured.video.frames.length },
      ...{ toKeyframe: unchanged.from - interval.from, isOnKey, identical, decibels, faults },
    };
  });
  return judged;
}

/** The least of some PSNR values; infinite when there are none. */
export const least = (decibels: readonly number[]): number => Math.min(Number.POSITIVE_INFINITY, ...decibels);

/** A frame is promised to have this. */
export const belowPromise = (decibels: readonly number[]): number =>
  decibels.filter((value) => value < MIN_PSNR_DB).length;

/** What a decoder says about a segment and not about its source. */
export const newMessages = (segment: ReadonlyMap<string, number>, source: ReadonlyMap<string, number>): string[] =>
  [...segment.keys()].filter((message) => !source.has(message));
