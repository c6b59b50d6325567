import type { ExactPlan, ExactSegment } from "../../split/domain/exact-segment.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";

/** A longer time between two frames is a pause, not a frame duration. */
const MAX_FRAME_SECONDS = 1;

/**
 * Presentation times of a plan's frames, in ticks of the source's clock from the first video frame.
 */
export class PresentationTimes {
  readonly ticksPerSecond: number;
  readonly #plan: ExactPlan;
  readonly #index: PacketIndex;

  constructor(plan: ExactPlan, index: PacketIndex, ticksPerSecond: number) {
    this.#plan = plan;
    this.#index = index;
    this.ticksPerSecond = ticksPerSecond;
  }

  /** Time of a packet, counted in decode order. */
  ofPacket(packet: number): number {
    return Math.round((this.#index.time(packet) - this.#plan.origin) * this.ticksPerSecond);
  }

  /** Time of a frame, counted in presentation order. */
  ofRank(rank: number): number {
    return this.ofPacket(this.#plan.packetOf[rank]!);
  }

  /**
   * Duration of a segment's last frame in seconds: until the next segment; before a pause, the
   * duration that the source states.
   */
  lastDurationOf({ ranks, end }: Pick<ExactSegment, "ranks" | "end">): number {
    const packet = this.#plan.packetOf[ranks.to - 1]!;
    const untilNext = end - (this.#index.time(packet) - this.#plan.origin);
    const stated = this.#index.duration(packet) ?? untilNext;
    return untilNext > MAX_FRAME_SECONDS ? Math.min(stated, untilNext) : untilNext;
  }
}

/**
 * Decode times for packets in decode order, from their presentation times. They increase, and none
 * is later than its presentation time: the sorted presentation times minus one common delay.
 */
export function decodeTimes(presentation: readonly number[]): number[] {
  const sorted = presentation.toSorted((one, other) => one - other);
  const delay = sorted.reduce((largest, time, packet) => Math.max(largest, time - presentation[packet]!), 0);
  return sorted.map((time) => time - delay);
}
