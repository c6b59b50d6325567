import type { ExactPlan, ExactSegment, Parts, Ranks } from "./exact-segment.ts";
import type { PacketIndex } from "./packet-index.ts";
import { type Key, keyBefore, keyFrom } from "./presentation-order.ts";

/** What a plan does about frames that can't be decoded: docs/decisions/local-damage.md */

/**
 * Whether the source has lost packets between a run of frames, which holds no keyframe, and the
 * keyframe before it: then no decoder can output these frames.
 */
export function lostFrames(keys: Key[], { losses }: PacketIndex, packetOf: Int32Array): (ranks: Ranks) => boolean {
  return ({ from, to }) => {
    if (losses.length === 0 || (keys[keyFrom(keys, from)]?.rank ?? to) < to) return false;
    const first = packetOf.subarray(from, to).reduce((least, packet) => Math.min(least, packet));
    const key = keyBefore(keys, from).packet;
    return losses.some((packet) => key < packet && packet <= first);
  };
}

/**
 * Segment starts, without those whose frames no decoder can output: these are added to the segment
 * before. `frames`: how many there are.
 */
export const withoutLost = <Start extends { rank: number }>(
  starts: readonly Start[],
  frames: number,
  isLost: (ranks: Ranks) => boolean,
): Start[] => starts.filter(({ rank }, at) => at === 0 || !isLost({ from: rank, to: starts[at + 1]?.rank ?? frames }));

/**
 * Frames that no decoder can output can't be encoded: they are copied, with the frames after them.
 */
export function withLostHead(
  { head, copied }: Parts,
  index: PacketIndex,
  packetOf: Int32Array,
  isLost: (ranks: Ranks) => boolean,
): Pick<Parts, "head" | "copied"> | undefined {
  if (copied === undefined || head.from >= head.to || index.changesDescription || !isLost(head)) return undefined;
  const from = packetOf.subarray(head.from, head.to).reduce((least, packet) => Math.min(least, packet));
  return { head: { from: head.from, to: head.from }, copied: { from, to: copied.to } };
}

/** Whether the source has lost packets within what is copied of a segment, or right before it. */
export const hasLoss = ({ copied }: ExactSegment, { losses }: PacketIndex): boolean =>
  copied !== undefined && losses.some((packet) => packet >= copied.from && packet < copied.to);

/**
 * The plan for segments in which nothing can be decoded: all of their packets are copied, and
 * nothing is encoded. `from` included and `end` not.
 */
export function asTheyAre(plan: ExactPlan, from: number, end: number): ExactPlan {
  const segments = plan.segments.map((segment) => {
    const { index, ranks } = segment;
    if (index < from || index >= end) return segment;
    const packets = plan.packetOf.subarray(ranks.from, ranks.to);
    const copied = packets.reduce(
      (all, packet) => ({ from: Math.min(all.from, packet), to: Math.max(all.to, packet + 1) }),
      { from: Number.POSITIVE_INFINITY, to: 0 },
    );
    const [head, tail] = [ranks.from, ranks.to].map((rank) => ({ from: rank, to: rank }));
    return { ...segment, head: head!, copied, tail: tail!, isUndecodable: true };
  });
  return { ...plan, segments, jobs: [] };
}
