import { MAX_SEGMENTS } from "#events-schema";
import { MIN_TAIL_SECONDS } from "../../video/segment-length.ts";
import {
  type EncodeJob,
  type ExactPlan,
  type ExactSegment,
  isEmpty,
  madeOf,
  type Packets,
  type Parts,
  type Ranks,
  type WindowPlan,
} from "./exact-segment.ts";
import { lostFrames, withLostHead, withoutLost } from "./lost-frames.ts";
import type { PacketIndex } from "./packet-index.ts";
import {
  cleanKeys,
  distinctTimes,
  type Key,
  keyBefore,
  keyFrom,
  presentationOrder,
  SAME_SECONDS,
} from "./presentation-order.ts";

/**
 * Plans the exact cut: which frames each segment holds, which of them are copied, and which are
 * decoded and encoded again. Pure: the plan for a video is the same in every retry.
 */

/**
 * The segments in terms of packets, where all of them can be copied unchanged: every packet is
 * shown, all need the same sample description, and each boundary is at a keyframe that no frame
 * refers across. Undefined otherwise.
 */
export function copiedSegments({ plan, index }: { plan: ExactPlan | WindowPlan; index: PacketIndex }) {
  if (plan.jobs === undefined || plan.frames !== index.count || index.changesDescription) return undefined;
  let next = 0;
  const segments: { firstFrame: number; frames: number; firstFrameTime: number }[] = [];
  for (const { copied, ranks, ...parts } of plan.segments) {
    const whole = copied !== undefined && madeOf({ copied, ...parts }) === "copied";
    if (!whole || copied.from !== next || copied.to - copied.from !== ranks.to - ranks.from) return undefined;
    const firstFrameTime = index.time(copied.from) - plan.origin;
    segments.push({ firstFrame: copied.from, frames: copied.to - copied.from, firstFrameTime });
    next = copied.to;
  }
  return segments;
}

/**
 * The plan, or undefined if the packets' times aren't those of frames (two frames at one time, as
 * with fields in separate packets) or there's no frame. `fallbackFps` sets a single frame's length.
 * `boundaries`: on the first frame of each window, or on the first keyframe at or after its start.
 */
export function planExactCut(
  index: PacketIndex,
  segmentSeconds: number,
  fallbackFps: number,
  boundaries: "frames" | "keyframes" = "frames",
): ExactPlan | undefined {
  const order = presentationOrder(index);
  if (order === undefined) return undefined;
  const { packetOf, rankOf, undecodable } = order;
  const frames = packetOf.length;
  const { times } = index;
  const timeOf = (rank: number): number => times[packetOf[rank]!]!;
  const origin = timeOf(0);
  const last = timeOf(frames - 1);
  const mean = frames > 1 ? (last - origin) / (frames - 1) : 1 / fallbackFps;
  const duration = last - origin + (index.duration(packetOf[frames - 1]!) ?? mean);

  const timeline = { frames, timeOf, origin, duration, segmentSeconds };
  const keys = cleanKeys(index, rankOf);
  const lost = lostFrames(keys, index, packetOf);
  const candidates = boundaries === "frames" ? undefined : keys.map(({ rank }) => rank);
  const starts = withoutLost(segmentStarts(timeline, candidates), frames, lost);
  const segments = starts.map(({ rank }, number): ExactSegment => {
    const ranks = { from: rank, to: starts[number + 1]?.rank ?? frames };
    const parts = partsOf(ranks, keys, index, rankOf);
    return { ...placeOf(starts, number, timeline), ranks, ...parts, ...withLostHead(parts, index, packetOf, lost) };
  });
  const jobs = segments.length > MAX_SEGMENTS ? [] : jobsOf(segments, keys, packetOf);
  return { segments, jobs, frames, undecodable, duration, origin, packetOf, rankOf };
}

/** The plan if no other one is possible; undefined if there's no packet. */
export function planWindows(index: PacketIndex, segmentSeconds: number, fallbackFps: number): WindowPlan | undefined {
  const times = distinctTimes(index);
  const frames = times.length;
  if (frames === 0) return undefined;
  const origin = times[0]!;
  const last = times[frames - 1]!;
  const duration = last - origin + (frames > 1 ? (last - origin) / (frames - 1) : 1 / fallbackFps);
  const timeOf = (rank: number): number => times[rank]!;
  const timeline = { frames, timeOf, origin, duration, segmentSeconds };
  const starts = segmentStarts(timeline);
  const segments = starts.map((_, number) => placeOf(starts, number, timeline));
  return { segments, jobs: undefined, frames, undecodable: 0, duration, origin };
}

type Timeline = {
  frames: number;
  timeOf: (rank: number) => number;
  origin: number;
  duration: number;
  segmentSeconds: number;
};

type SegmentStart = { rank: number; window: number };

/** Where a segment was requested, and where it is. */
function placeOf(starts: readonly SegmentStart[], number: number, timeline: Timeline): WindowPlan["segments"][number] {
  const { segmentSeconds, duration, origin, timeOf } = timeline;
  const { rank, window } = starts[number]!;
  const next = starts[number + 1];
  return {
    index: number,
    requestedStart: window * segmentSeconds,
    requestedEnd: next === undefined ? duration : (window + 1) * segmentSeconds,
    start: timeOf(rank) - origin,
    end: next === undefined ? duration : timeOf(next.rank) - origin,
  };
}

/**
 * Rank of the first frame of each segment, and which window k·X ≤ t < (k+1)·X it's in. Empty
 * windows make no segment. `candidates`, rising: where a segment may start; default: at every
 * frame.
 */
function segmentStarts(
  { frames, timeOf, origin, duration, segmentSeconds }: Timeline,
  candidates?: readonly number[],
): SegmentStart[] {
  const starts: SegmentStart[] = [];
  // The first frame always starts a segment.
  const ranks = candidates && [0, ...candidates.filter((rank) => rank > 0)];
  const count = ranks?.length ?? frames;
  const rankAt = (at: number): number => ranks?.[at] ?? at;
  const windowAt = (at: number): number => Math.floor((timeOf(rankAt(at)) - origin + SAME_SECONDS) / segmentSeconds);
  for (let at = 0; at < count && starts.length <= MAX_SEGMENTS; ) {
    const window = windowAt(at);
    starts.push({ rank: rankAt(at), window });
    // Windows rise with ranks: the first one of a later window.
    let end = count;
    for (at += 1; at < end; ) {
      const middle = Math.floor((at + end) / 2);
      if (windowAt(middle) > window) end = middle;
      else at = middle + 1;
    }
  }
  const tail = starts.at(-1)!;
  const isShort = origin + duration - timeOf(tail.rank) < MIN_TAIL_SECONDS - SAME_SECONDS;
  if (starts.length > 1 && starts.length <= MAX_SEGMENTS && isShort) starts.pop();
  return starts;
}

/**
 * The copied frames of a segment need one sample description: the one with the most frames to copy.
 */
function partsOf(ranks: Ranks, keys: Key[], index: PacketIndex, rankOf: Int32Array): Parts {
  const none = { from: ranks.to, to: ranks.to };
  let best: Parts = { head: ranks, copied: undefined, tail: none };
  let description: number | undefined;
  for (let at = keyFrom(keys, ranks.from); at < keys.length && keys[at]!.rank < ranks.to; at += 1) {
    const key = keys[at]!;
    if (index.description(key.packet) === description) continue;
    description = index.description(key.packet);
    const parts = partsFrom(key, ranks, index, rankOf);
    if (countOf(parts.copied) > countOf(best.copied)) best = parts;
  }
  return best;
}

const countOf = (packets: Packets | undefined): number => (packets === undefined ? 0 : packets.to - packets.from);

/** Copies from a keyframe on. */
function partsFrom(key: Key, ranks: Ranks, index: PacketIndex, rankOf: Int32Array): Parts {
  // Only a complete stretch of presentation is copied: the packets up to a P-frame, in decode
  // order, include every frame that is shown before it.
  const description = index.description(key.packet);
  const { times, changesDescription } = index;
  const start = times[key.packet]!;
  let taken = 0;
  let highest = key.rank;
  let whole = { packet: key.packet, rank: key.rank };
  for (let packet = key.packet; packet < rankOf.length; packet += 1) {
    const rank = rankOf[packet]!;
    if (times[packet]! < start) continue;
    if (rank >= ranks.to || rank === -1) break;
    if (changesDescription && index.description(packet) !== description) break;
    taken += 1;
    if (rank > highest) highest = rank;
    if (highest - key.rank + 1 === taken) whole = { packet, rank: highest };
  }
  return {
    head: { from: ranks.from, to: key.rank },
    copied: { from: key.packet, to: whole.packet + 1 },
    tail: { from: whole.rank + 1, to: ranks.to },
  };
}

/**
 * All frames to encode, with the packets to decode for them. Those that start at the same keyframe
 * are one decoding.
 */
function jobsOf(segments: ExactSegment[], keys: Key[], packetOf: Int32Array): EncodeJob[] {
  const jobs: EncodeJob[] = [];
  for (const part of segments.flatMap(({ head, tail }) => [head, tail])) {
    if (isEmpty(part)) continue;
    const from = keyBefore(keys, part.from).packet;
    let to = from;
    for (let rank = part.from; rank < part.to; rank += 1) to = Math.max(to, packetOf[rank]! + 1);
    const current = jobs.at(-1);
    if (current?.packets.from === from) {
      current.parts.push(part);
      current.packets.to = Math.max(current.packets.to, to);
    } else jobs.push({ packets: { from, to }, parts: [part] });
  }
  return jobs;
}
