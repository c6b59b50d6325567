import type { PacketIndex } from "./packet-index.ts";
import type { SegmentProof, Stretch } from "./proof.ts";

/** If a segment has more, they are merged: its record must fit into an item of the ledger. */
export const MAX_SEGMENT_STRETCHES = 100;

/** If a video has more, they are merged: they must fit into an event. */
export const MAX_STRETCHES = 1_000;

/** Times of containers are rounded to milliseconds; stretches this close are one. */
const SAME_SECONDS = 0.0011;

/**
 * The stretches of a video that can't be decoded: frames that are in a segment and can't, and
 * frames that the source has lost. In order and without overlaps; at most `MAX_STRETCHES`.
 */
export function undecodableStretches(proofs: readonly SegmentProof[], index: PacketIndex, origin: number): Stretch[] {
  const measured = proofs.flatMap(({ stretches = [] }) => stretches);
  return joined([...measured, ...lostStretches(index, origin)], MAX_STRETCHES);
}

/**
 * Merges stretches that overlap or touch, and then the closest ones until at most `most` are left.
 */
export function joined(stretches: readonly Stretch[], most: number): Stretch[] {
  const all = joinedWithin(stretches, SAME_SECONDS);
  if (all.length <= most) return all;
  const gaps = all.slice(1).map(({ from }, at) => from - all[at]!.to);
  return joinedWithin(all, gaps.sort((one, other) => one - other)[all.length - most - 1]!);
}

function joinedWithin(stretches: readonly Stretch[], seconds: number): Stretch[] {
  const apart: Stretch[] = [];
  for (const { from, to } of stretches.toSorted((one, other) => one.from - other.from)) {
    const last = apart.at(-1);
    if (last !== undefined && from - last.to <= seconds) last.to = Math.max(last.to, to);
    else apart.push({ from, to });
  }
  return apart;
}

/** Frames are stored at most this many packets away from their place in presentation order. */
const MAX_REORDERED = 64;

/** Where bytes of the source can't be read as packets: from the frame before to the one after. */
function lostStretches(index: PacketIndex, origin: number): Stretch[] {
  return index.losses.flatMap((packet) => {
    let from = Number.NEGATIVE_INFINITY;
    for (let before = Math.max(0, packet - MAX_REORDERED); before < packet; before += 1)
      from = Math.max(from, index.time(before) + (index.duration(before) ?? 0));
    let to = Number.POSITIVE_INFINITY;
    for (let after = packet; after < Math.min(index.count, packet + MAX_REORDERED); after += 1)
      to = Math.min(to, index.time(after));
    const stretch = { from: Math.max(0, from - origin), to: to - origin };
    return stretch.to - stretch.from > SAME_SECONDS ? [stretch] : [];
  });
}
