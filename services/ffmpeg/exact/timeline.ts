import type { ExactPlan } from "../../split/domain/exact-plan.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";

/**
 * When the frames of a plan are shown, in ticks of the source's clock from the video's first frame.
 */
export class Timeline {
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
