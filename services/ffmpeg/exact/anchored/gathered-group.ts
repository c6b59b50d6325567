import { H264Refusal } from "../../formats/h264/refusal.ts";
import type { AnchorCandidate, AnchoredGroup, AnchoredHeads } from "./anchored-heads.ts";

/**
 * Packets of all groups that are gathered; each is in memory twice, also for the encoder. A group of 10
 * seconds at 16 Mb/s has 20 MB.
 */
export const MAX_GATHERED_BYTES = 24 * 1024 * 1024;

/** A longer group is stitched: its headers take memory, too. */
const MAX_GATHERED_PACKETS = 3_000;

/** The packets of a group of pictures whose beginning may be anchored, until all of them are there. */
export class GatheredGroup {
  readonly candidate: AnchorCandidate;
  readonly #first: number;
  readonly #packets: Buffer[] = [];

  constructor(candidate: AnchorCandidate, first: number) {
    this.candidate = candidate;
    this.#first = first;
  }

  /** Adds a copy of a packet in length format. */
  add(packet: Buffer): void {
    this.#packets.push(Buffer.from(packet));
  }

  /** `next`: the packet behind the group. Throws `H264Refusal`. */
  plan(heads: AnchoredHeads, next: Buffer): AnchoredGroup {
    const { length } = this.#packets;
    if (length > MAX_GATHERED_PACKETS) throw new H264Refusal("limit", `the group has ${length} packets`);
    return heads.plan(this.candidate, this.#first, this.#packets, next);
  }
}
