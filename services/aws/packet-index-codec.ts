import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import * as z from "zod";
import { PacketIndex } from "../split/domain/packet-index.ts";
import type { ScannedSource } from "../split/ports/saved-indexes.ts";

/** Before the columns: the length of this header in 4 bytes, and the header as JSON. */
const Header = z.object({
  version: z.literal(2),
  packets: z.int().nonnegative(),
  truncated: z.boolean(),
  /** Where the sample description changes: the packet, and its description. */
  descriptions: z.array(z.tuple([z.int(), z.int()])),
  /** The packets before which frames were lost. */
  losses: z.array(z.int()).default([]),
  /** How many packets have a byte position. */
  positions: z.int().nonnegative(),
});

const KEY = 1;
const HIDDEN = 2;
const JUMPS = 4;
const MICROSECONDS = 1_000_000;
const MAX_INT32 = 2 ** 31 - 1;

/** A time in whole microseconds; undefined if that isn't exact. */
function microseconds(seconds: number): number | undefined {
  const whole = Math.round(seconds * MICROSECONDS);
  return whole / MICROSECONDS === seconds ? whole : undefined;
}

/**
 * The index as compressed columns: differences of the times, durations, flags, and then the packets
 * with a byte position, and these positions. Resolves with
 * undefined when a time isn't a whole microsecond, as ffprobe prints them, or jumps by more than
 * half an hour.
 */
export async function encodeIndex({ index, truncated }: ScannedSource): Promise<Buffer | undefined> {
  const { count, losses } = index;
  const times = new Int32Array(count);
  const durations = new Int32Array(count);
  const flags = new Uint8Array(count);
  const descriptions: [number, number][] = [];
  let last = 0;
  for (let packet = 0; packet < count; packet += 1) {
    const time = microseconds(index.time(packet));
    const duration = microseconds(index.duration(packet) ?? 0);
    if (time === undefined || duration === undefined || duration > MAX_INT32) return undefined;
    if (Math.abs(time - last) > MAX_INT32) return undefined;
    times[packet] = time - last;
    last = time;
    durations[packet] = duration;
    flags[packet] =
      (index.isKey(packet) ? KEY : 0) | (index.isShown(packet) ? 0 : HIDDEN) | (index.jumpsAt(packet) ? JUMPS : 0);
    const description = index.description(packet);
    if (description !== (descriptions.at(-1)?.[1] ?? 0)) descriptions.push([packet, description]);
  }
  const { packets, bytes } = index.positions;
  const positions = packets.length;
  const stated = { version: 2, packets: count, truncated, descriptions, losses, positions };
  const header = Buffer.from(JSON.stringify(stated));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const placed = [Uint32Array.from(packets), Float64Array.from(bytes)];
  const columns = [times, durations, flags, ...placed].map(({ buffer }) => Buffer.from(buffer));
  return promisify(gzip)(Buffer.concat([length, header, ...columns]));
}

/** Throws for bytes that `encodeIndex` didn't make. */
export async function decodeIndex(encoded: Uint8Array): Promise<ScannedSource> {
  const bytes = await promisify(gunzip)(encoded);
  const begin = 4 + bytes.readUInt32LE(0);
  const header = Header.parse(JSON.parse(bytes.toString("utf8", 4, begin)));
  const { packets, truncated, descriptions, losses, positions } = header;
  const placed = begin + 9 * packets;
  if (bytes.length !== placed + 12 * positions)
    throw new Error(`the index has ${bytes.length} bytes for ${packets} packets`);
  const index = new PacketIndex();
  let time = 0;
  let change = 0;
  let place = 0;
  for (let packet = 0; packet < packets; packet += 1) {
    time += bytes.readInt32LE(begin + 4 * packet);
    const duration = bytes.readInt32LE(begin + 4 * (packets + packet));
    const flags = bytes[begin + 8 * packets + packet]!;
    if (descriptions[change]?.[0] === packet) change += 1;
    const isPlaced = place < positions && bytes.readUInt32LE(placed + 4 * place) === packet;
    const position = isPlaced ? bytes.readDoubleLE(placed + 4 * positions + 8 * place) : undefined;
    if (isPlaced) place += 1;
    index.add({
      time: time / MICROSECONDS,
      duration: duration === 0 ? undefined : duration / MICROSECONDS,
      key: (flags & KEY) !== 0,
      shown: (flags & HIDDEN) === 0,
      description: descriptions[change - 1]?.[1] ?? 0,
      jumps: (flags & JUMPS) !== 0,
      position,
    });
  }
  for (const packet of losses) index.addLoss(packet);
  return { index, truncated };
}
