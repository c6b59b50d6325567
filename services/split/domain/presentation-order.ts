import type { PacketIndex } from "./packet-index.ts";

/**
 * The order in which frames are shown, and the keyframes that a decoder can start at. A *packet* is
 * counted in decode order, a *rank* in presentation order, among the frames that are shown.
 */

/**
 * Times that differ by less are equal: they are rounded binary fractions. Far shorter than any
 * tick.
 */
export const SAME_SECONDS = 2e-6;

export type Order = { packetOf: Int32Array; rankOf: Int32Array; undecodable: number };

/**
 * Decoders reorder by at most 16 frames (H.264 and HEVC, level limits); packets that are farther
 * apart aren't reordered.
 */
const MAX_REORDERED = 64;

/** Undefined if the packets' times aren't those of frames, or there is no keyframe. */
export function presentationOrder(index: PacketIndex): Order | undefined {
  let first = 0;
  while (first < index.count && !index.isKey(first)) first += 1;
  if (first === index.count) return undefined;
  const { times, hidesPackets } = index;
  const firstTime = times[first]!;
  const packets = new Int32Array(index.count);
  let count = 0;
  let undecodable = 0;
  let latest = Number.NEGATIVE_INFINITY;
  for (let packet = 0; packet < times.length; packet += 1) {
    if (hidesPackets && !index.isShown(packet)) continue;
    const time = times[packet]!;
    if (packet < first || time < firstTime) {
      undecodable += 1;
      continue;
    }
    if (time - latest >= SAME_SECONDS) {
      packets[count] = packet;
      count += 1;
      latest = time;
      continue;
    }
    // Nearly sorted already: each frame moves a few places at most.
    let place = count;
    while (place > 0 && times[packets[place - 1]!]! > time) {
      packets[place] = packets[place - 1]!;
      place -= 1;
      if (count - place > MAX_REORDERED) return undefined;
    }
    if (place > 0 && time - times[packets[place - 1]!]! < SAME_SECONDS) return undefined;
    packets[place] = packet;
    count += 1;
  }
  if (count === 0) return undefined;
  const packetOf = packets.subarray(0, count);
  const rankOf = new Int32Array(index.count).fill(-1);
  for (let rank = 0; rank < count; rank += 1) rankOf[packetOf[rank]!] = rank;
  return { packetOf, rankOf, undecodable };
}

/** Times of the packets that a decoder can show, ascending, without duplicates. */
export function distinctTimes(index: PacketIndex): Float64Array {
  const { times: all } = index;
  let firstKey = 0;
  while (firstKey < all.length && !index.isKey(firstKey)) firstKey += 1;
  // A file may begin in mid-stream, or have no keyframe that is marked as one.
  const isCutOff = firstKey > 0 && firstKey < all.length;
  const [firstPacket, firstTime] = isCutOff ? [firstKey, all[firstKey]!] : [0, Number.NEGATIVE_INFINITY];
  const times = new Float64Array(all.length);
  let count = 0;
  let isSorted = true;
  for (let packet = firstPacket; packet < all.length; packet += 1) {
    const time = all[packet]!;
    if (time < firstTime || !index.isShown(packet)) continue;
    let place = count;
    // `sort` would take several times as long: the times are nearly sorted.
    for (; isSorted && place > 0 && times[place - 1]! > time; place -= 1) {
      times[place] = times[place - 1]!;
      isSorted = count - place < MAX_REORDERED;
    }
    times[place] = time;
    count += 1;
  }
  const shown = times.subarray(0, count);
  if (!isSorted) shown.sort();
  let distinct = 0;
  let before = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at += 1) {
    const time = shown[at]!;
    if (time - before >= SAME_SECONDS) {
      shown[distinct] = time;
      distinct += 1;
    }
    before = time;
  }
  return shown.subarray(0, distinct);
}

/**
 * Keyframes at which a decoder can start, by packet and rank: every frame before them is also shown
 * before them.
 */
export type Key = { packet: number; rank: number };

export function cleanKeys(index: PacketIndex, rankOf: Int32Array): Key[] {
  const keys: Key[] = [];
  let highest = -1;
  for (let packet = 0; packet < rankOf.length; packet += 1) {
    const rank = rankOf[packet]!;
    // A hidden keyframe before the first shown frame: decoding may still start there.
    if ((rank > highest || (rank === -1 && highest === -1)) && index.isKey(packet)) keys.push({ packet, rank });
    if (rank > highest) highest = rank;
  }
  return keys;
}

/** The last key whose rank isn't above `rank`. */
export function keyBefore(keys: Key[], rank: number): Key {
  let low = 0;
  let high = keys.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (keys[middle]!.rank <= rank) low = middle;
    else high = middle - 1;
  }
  return keys[low]!;
}

/** Place of the first key whose rank isn't below `rank`; their number where there is none. */
export function keyFrom(keys: Key[], rank: number): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (keys[middle]!.rank >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}
