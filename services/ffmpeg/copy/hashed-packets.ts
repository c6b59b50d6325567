import {
  type Clock,
  PACKET_BYTES,
  PACKET_HASHES,
  PACKET_LINES,
  type PacketLine,
  readPacketLines,
  readPackets,
} from "../process/packet-lines.ts";
import type { OutputPipe } from "../process/program.ts";

/** A video packet of the source; time and duration in seconds, whole numbers of `clock`'s ticks. */
export type HashedPacket = { time: number; duration: number; clock: Clock; hash: number };

const COPIED = ["-map_chapters", "-1", "-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"];

/**
 * ffmpeg's outputs for `readHashedPackets`. `isHashed`: ffmpeg hashes the packets (CRC-32 of all
 * bytes) and doesn't write them.
 */
export const hashedPacketOutputs = (video: number, isHashed: boolean): Record<string, string[]> => {
  const map = ["-map", `0:${video}`, ...COPIED];
  if (isHashed) return { lines: [...map, ...PACKET_HASHES] };
  return { lines: [...map, ...PACKET_LINES], bytes: [...map, ...PACKET_BYTES] };
};

const HEXADECIMAL = 16;

const timesOf = (clock: Clock, { pts, dts, duration }: Pick<PacketLine, "pts" | "dts" | "duration">) => ({
  time: ((pts ?? dts) * clock.num) / clock.den,
  duration: (duration * clock.num) / clock.den,
  clock,
});

/** The packets in decode order. `hash` gets them in order; undefined when ffmpeg hashed them. */
export async function* readHashedPackets(
  { lines, bytes }: { lines: OutputPipe; bytes: OutputPipe },
  hash: ((packet: Buffer) => number) | undefined,
): AsyncGenerator<HashedPacket> {
  if (hash === undefined) {
    for await (const { clock, line } of readPacketLines(lines))
      yield { ...timesOf(clock, line), hash: Number.parseInt(line.checksum, HEXADECIMAL) };
    return;
  }
  for await (const { clock, data, ...line } of readPackets(lines, bytes))
    yield { ...timesOf(clock, line), hash: hash(data) };
}
