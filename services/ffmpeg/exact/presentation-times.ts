import type { ExactPlan, ExactSegment } from "../../split/domain/exact-plan.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";

/** A frame that is followed by none for longer was followed by a pause. */
const MAX_FRAME_SECONDS = 1;

/**
 * When the frames of a plan are shown, in ticks of the source's clock from the video's first frame.
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

  /** Of a packet, counted in decode order. */
  ofPacket(packet: number): number {
    return Math.round((this.#index.time(packet) - this.#plan.origin) * this.ticksPerSecond);
  }

  /** Of a frame, counted in presentation order. */
  ofRank(rank: number): number {
    return this.ofPacket(this.#plan.packetOf[rank]!);
  }

  /**
   * Seconds for which a segment's last frame is shown: until the next segment, or before a pause, as
   * long as the source says.
   */
  lastDurationOf({ ranks, end }: Pick<ExactSegment, "ranks" | "end">): number {
    const packet = this.#plan.packetOf[ranks.to - 1]!;
    const untilNext = end - (this.#index.time(packet) - this.#plan.origin);
    const stated = this.#index.duration(packet) ?? untilNext;
    return untilNext > MAX_FRAME_SECONDS ? Math.min(stated, untilNext) : untilNext;
  }
}

/**
 * Decode times for packets in decode order, given when each is shown. They rise, and none is later
 * than the presentation time: the sorted presentation times, all of them earlier by one delay.
 */
export function decodeTimes(shown: readonly number[]): number[] {
  const sorted = shown.toSorted((one, other) => one - other);
  const delay = sorted.reduce((most, time, packet) => Math.max(most, time - shown[packet]!), 0);
  return sorted.map((time) => time - delay);
}
