import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { currentBudget } from "./limits.ts";
import { linesOf } from "./lines.ts";
import type { OutputPipe } from "./program.ts";

/**
 * How packets get from ffmpeg into this process, whatever the codec: one output has a line about
 * each packet (ffmpeg's framecrc format: stream, dts, pts, duration, size, checksum), and another
 * has their bytes, one after the other.
 */

/**
 * Output options of the two, in this order: the line about a packet is written before its bytes.
 */
export const PACKET_LINES = ["-f", "framecrc", "-flush_packets", "1"] as const;
export const PACKET_BYTES = ["-f", "data", "-flush_packets", "1"] as const;

/**
 * Output options of lines with a hash of the whole packet, in place of its bytes: CRC-32, as zlib
 * has it.
 */
export const PACKET_HASHES = ["-f", "framehash", "-hash", "crc32", "-flush_packets", "1"] as const;

export type PacketLine = {
  /** In ticks of the clock; `pts` is undefined where the container has none. */
  dts: number;
  pts: number | undefined;
  duration: number;
  size: number;
  /** Hexadecimal. */
  checksum: string;
  /** Whether the container calls it a keyframe. */
  key: boolean;
  /** Whether something comes beside its bytes, such as transparency in WebM. */
  hasBlockAdditions: boolean;
};

/** Ticks a second, as numerator and denominator of a tick's seconds. */
export type Clock = { num: number; den: number };

const NO_TIME = "-9223372036854775808";

const HEADER = /^#tb 0: (\d+)\/(\d+)/;

/**
 * Reads the lines about the packets of one stream. The clock is known with the first packet; what
 * the comments before it say is passed to `onComment`.
 */
export async function* readPacketLines(
  lines: OutputPipe,
  onComment: (text: string) => void = () => {},
): AsyncGenerator<{ clock: Clock; line: PacketLine }> {
  let clock: Clock | undefined;
  for await (const text of linesOf(lines)) {
    const header = HEADER.exec(text);
    if (header !== null) clock = { num: Number(header[1]), den: Number(header[2]) };
    if (text.startsWith("#")) {
      onComment(text);
      continue;
    }
    const fields = text.split(",").map((field) => field.trim());
    const [, dts, pts, duration, size, checksum = "", ...rest] = fields;
    if (clock === undefined || size === undefined) throw new Error(`not a line of ffmpeg's framecrc format: ${text}`);
    yield {
      clock,
      line: {
        dts: Number(dts),
        pts: pts === NO_TIME ? undefined : Number(pts),
        duration: Number(duration),
        size: Number(size),
        checksum,
        key: isKey(rest[0]),
        hasBlockAdditions: rest.some((field) => field.startsWith("S=")),
      },
    };
  }
}

const KEY_FLAG = 1;

/** Such as "F=0x4"; left out where it's a keyframe and nothing else. */
const isKey = (flags = ""): boolean => !flags.startsWith("F=") || (Number(flags.slice(2)) & KEY_FLAG) !== 0;

export type ReadPacket = PacketLine & { clock: Clock; data: Buffer };

/**
 * Reads the packets of one stream, lines and bytes. Ends where either does. Throws `RejectedVideo`
 * (LimitExceeded) for a packet that is larger than memory allows.
 */
export async function* readPackets(lines: OutputPipe, bytes: OutputPipe): AsyncGenerator<ReadPacket> {
  const reader = new ByteReader(bytes);
  const { packetBytes } = currentBudget();
  for await (const { clock, line } of readPacketLines(lines)) {
    if (line.size > packetBytes) throw packetSizeLimitError(line.size, packetBytes);
    const data = await reader.read(line.size);
    if (data === undefined) break;
    yield { ...line, clock, data };
  }
  await reader.drain();
}

const packetSizeLimitError = (size: number, most: number): Error =>
  limitExceeded(
    `One packet of the file has ${megabytes(size)}, and at most ${megabytes(most)} can be held in memory. ` +
      "Convert the video to H.264 in MP4, or raise video_split.memory_mb.",
  );
