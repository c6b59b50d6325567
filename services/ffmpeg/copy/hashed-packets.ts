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

/** A packet of the source's picture; its time and duration in seconds on ffmpeg's clock. */
export type HashedPacket = { time: number; duration: number; hash: number };

const COPIED = ["-map_chapters", "-1", "-c", "copy", "-copyinkf", "-max_muxing_queue_size", "4096"];

/**
 * Outputs from which `readHashedPackets` reads. `isHashed`: ffmpeg hashes each packet as it is, CRC-32,
 * and its bytes stay there.
 */
export const hashedPacketOutputs = (video: number, isHashed: boolean): Record<string, string[]> => {
  const picture = ["-map", `0:${video}`, ...COPIED];
  if (isHashed) return { lines: [...picture, ...PACKET_HASHES] };
  return { lines: [...picture, ...PACKET_LINES], bytes: [...picture, ...PACKET_BYTES] };
};

const HEXADECIMAL = 16;

const timesOf = ({ num, den }: Clock, { pts, dts, duration }: Pick<PacketLine, "pts" | "dts" | "duration">) => ({
  time: ((pts ?? dts) * num) / den,
  duration: (duration * num) / den,
});

/** The packets in decode order. `hash` hashes them, one after the other; undefined where ffmpeg did. */
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
