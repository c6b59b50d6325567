import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import * as z from "zod";
import { PacketIndex } from "../split/domain/packet-index.ts";
import type { ScannedSource } from "../split/ports/saved-indexes.ts";

/** Before the columns: the length of this header in 4 bytes, and the header as JSON. */
const Header = z.object({
  version: z.literal(1),
  packets: z.int().nonnegative(),
  truncated: z.boolean(),
  /** Where the sample description changes: the packet, and its description. */
  descriptions: z.array(z.tuple([z.int(), z.int()])),
  /** The packets before which frames were lost. */
  losses: z.array(z.int()).default([]),
});

const KEY = 1;
const HIDDEN = 2;
const MICROSECONDS = 1_000_000;
const MAX_INT32 = 2 ** 31 - 1;

/** Whole microseconds; undefined for a time that they can't restore exactly. */
function microseconds(seconds: number): number | undefined {
  const whole = Math.round(seconds * MICROSECONDS);
  return whole / MICROSECONDS === seconds ? whole : undefined;
}

/**
 * The index as compressed columns: differences of the times, durations, flags. Resolves with
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
    flags[packet] = (index.isKey(packet) ? KEY : 0) | (index.isShown(packet) ? 0 : HIDDEN);
    const description = index.description(packet);
    if (description !== (descriptions.at(-1)?.[1] ?? 0)) descriptions.push([packet, description]);
  }
  const header = Buffer.from(JSON.stringify({ version: 1, packets: count, truncated, descriptions, losses }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const columns = [times, durations, flags].map(({ buffer }) => Buffer.from(buffer));
  return promisify(gzip)(Buffer.concat([length, header, ...columns]));
}

/** Throws for bytes that `encodeIndex` didn't make. */
export async function decodeIndex(encoded: Uint8Array): Promise<ScannedSource> {
  const bytes = await promisify(gunzip)(encoded);
  const begin = 4 + bytes.readUInt32LE(0);
  const { packets, truncated, descriptions, losses } = Header.parse(JSON.parse(bytes.toString("utf8", 4, begin)));
  if (bytes.length !== begin + 9 * packets)
    throw new Error(`the index has ${bytes.length} bytes for ${packets} packets`);
  const index = new PacketIndex();
  let time = 0;
  let change = 0;
  for (let packet = 0; packet < packets; packet += 1) {
    time += bytes.readInt32LE(begin + 4 * packet);
    const duration = bytes.readInt32LE(begin + 4 * (packets + packet));
    const flags = bytes[begin + 8 * packets + packet]!;
    if (descriptions[change]?.[0] === packet) change += 1;
    index.add({
      time: time / MICROSECONDS,
      duration: duration === 0 ? undefined : duration / MICROSECONDS,
      key: (flags & KEY) !== 0,
      shown: (flags & HIDDEN) === 0,
      description: descriptions[change - 1]?.[1] ?? 0,
    });
  }
  for (const packet of losses) index.addLoss(packet);
  return { index, truncated };
}
