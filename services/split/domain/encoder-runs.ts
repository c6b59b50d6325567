import type { ExactPlan, Packets } from "./exact-segment.ts";
import type { PacketIndex } from "./packet-index.ts";
import { cleanKeys, keyBefore } from "./presentation-order.ts";

/**
 * Consecutive segments that one encoder makes, `from` included and `to` not. An encoder's output
 * depends on what it encoded before, so where it begins must follow from the plan alone.
 */
export type EncoderRun = {
  from: number;
  to: number;
  /** What must be decoded for them: from a keyframe on. */
  packets: Packets;
};

/** A shorter run costs more to start than it's worth. */
const MIN_RUN_SECONDS = 2;

/** What is decoded before a run only to reach its first frame, in lengths of the run before. */
const MAX_LEAD = 2;

/**
 * Divides a video into encoder runs: one for each segment, where segments aren't very short and
 * keyframes not very rare. The same for each attempt.
 */
export function encoderRuns({ segments, rankOf, packetOf, origin }: ExactPlan, index: PacketIndex): EncoderRun[] {
  const keys = cleanKeys(index, rankOf);
  const keyOf = (segment: number): number => keyBefore(keys, segments[segment]!.ranks.from).packet;
  const starts = [0];
  for (let segment = 1; segment < segments.length; segment += 1) {
    const { start, requestedStart } = segments[segment]!;
    // As requested: where frames are lost in one segment, the runs of the others stay the same.
    const length = requestedStart - segments[starts.at(-1)!]!.requestedStart;
    const lead = start - (index.time(keyOf(segment)) - origin);
    if (length >= MIN_RUN_SECONDS && lead <= MAX_LEAD * length) starts.push(segment);
  }
  return starts.map((from, at) => {
    const to = starts[at + 1] ?? segments.length;
    return { from, to, packets: { from: keyOf(from), to: packetsEnd(segments, packetOf, { from, to }) } };
  });
}

/** The first packet that isn't needed for the frames of these segments, nor any behind it. */
function packetsEnd(
  segments: ExactPlan["segments"],
  packetOf: Int32Array,
  { from, to }: Omit<EncoderRun, "packets">,
): number {
  const packets = packetOf.subarray(segments[from]!.ranks.from, segments[to - 1]!.ranks.to);
  return packets.reduce((end, packet) => Math.max(end, packet + 1), 0);
}

/** The run up to segment `last`, if that is in it. */
export function upTo(last: number, run: EncoderRun, { segments, packetOf }: ExactPlan): EncoderRun {
  if (last < run.from || last + 1 >= run.to) return run;
  const part = { from: run.from, to: last + 1 };
  return { ...part, packets: { from: run.packets.from, to: packetsEnd(segments, packetOf, part) } };
}

/** The first segment of the run that a segment is in. */
export const startOfRun = (runs: readonly EncoderRun[], segment: number): number =>
  runs.findLast(({ from }) => from <= segment)?.from ?? 0;
