import { H264Refusal } from "../../formats/h264/refusal.ts";
import type { AnchorCandidate, AnchoredGroup, AnchoredHeads } from "./anchored-heads.ts";

/** Of all groups that are gathered. A group of 10 seconds at 16 Mb/s has 20 MB. */
export const MAX_GATHERED_BYTES = 24 * 1024 * 1024;

/** A longer group is stitched: its headers take memory, too. */
const MAX_GATHERED_PACKETS = 3_000;

/** The packets of a group of pictures whose beginning may be anchored, until all of them are there. */
export class GatheredGroup {
  readonly candidate: AnchorCandidate;
  readonly #first: number;
  #packets: Buffer[] = [];
  #bytes = 0;

  constructor(candidate: AnchorCandidate, first: number) {
    this.candidate = candidate;
    this.#first = first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isTooLong(): boolean {
    return this.#packets.length > MAX_GATHERED_PACKETS;
  }

  /** In length format. */
  add(packet: Buffer): void {
    this.#packets.push(packet);
    this.#bytes += packet.length;
  }

  /** `next`: the packet behind the group. Throws `H264Refusal`. */
  plan(heads: AnchoredHeads, next: Buffer): AnchoredGroup {
    if (this.isTooLong) throw new H264Refusal("limit", `the group has ${this.#packets.length} packets`);
    return heads.plan(this.candidate, this.#first, this.#packets, next);
  }

  /** Its packets; they are kept no longer. */
  take(): Buffer[] {
    const packets = this.#packets;
    this.#packets = [];
    this.#bytes = 0;
    return packets;
  }
}
