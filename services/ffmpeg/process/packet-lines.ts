import { megabytes } from "../../split/domain/budget.ts";
import { limitExceeded } from "../../video/errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { currentBudget } from "./limits.ts";
import { linesOf } from "./lines.ts";
import type { OutputPipe } from "./program.ts";

/**
 * How packets get from ffmpeg into this process, for any codec: one output has a line per packet
 * (ffmpeg's framecrc format: stream, dts, pts, duration, size, checksum), another has the packets'
 * bytes without separators.
 */

/** Options of the two outputs, in this order: a packet's line must be written before its bytes. */
export const PACKET_LINES = ["-f", "framecrc", "-flush_packets", "1"] as const;
export const PACKET_BYTES = ["-f", "data", "-flush_packets", "1"] as const;

/** Output options for lines with a CRC-32 (zlib's) of each packet instead of its bytes. */
export const PACKET_HASHES = ["-f", "framehash", "-hash", "crc32", "-flush_packets", "1"] as const;

export type PacketLine = {
  /** In ticks of the clock; `pts` is undefined when the container stores none. */
  dts: number;
  pts: number | undefined;
  duration: number;
  size: number;
  /** Hexadecimal. */
  checksum: string;
  /** Whether the container marks it as a keyframe. */
  key: boolean;
  /** Whether it has side data, such as transparency in WebM (BlockAdditions). */
  hasBlockAdditions: boolean;
};

/** A time base: seconds per tick as numerator and denominator. */
export type Clock = { num: number; den: number };

const NO_TIME = "-9223372036854775808";

const HEADER = /^#tb 0: (\d+)\/(\d+)/;

/**
 * Reads the packet lines of one stream. Comment lines are passed to `onComment`; the time base is
 * read from one of them.
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
    if (clock === undefined || size === undefined)
      throw new Error(`ffmpeg wrote a line that isn't in its framecrc format: ${text}`);
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

/** `flags` is such as "F=0x4", and absent for a keyframe without other flags. */
const isKey = (flags = ""): boolean => !flags.startsWith("F=") || (Number(flags.slice(2)) & KEY_FLAG) !== 0;

export type ReadPacket = PacketLine & {
  clock: Clock;
  /** Gone when the next packet is read. */
  data: Buffer;
};

/**
 * Reads the packets of one stream from both outputs. Ends when either ends. Throws `RejectedVideo`
 * (LimitExceeded) for a packet larger than the memory budget allows.
 */
export async function* readPackets(lines: OutputPipe, bytes: OutputPipe): AsyncGenerator<ReadPacket> {
  const reader = new ByteReader(bytes, { ownsChunks: true });
  const { packetBytes } = currentBudget();
  for await (const { clock, line } of readPacketLines(lines)) {
    if (line.size > packetBytes) throw packetSizeLimitError(line.size, packetBytes);
    const data = await reader.lend(line.size);
    if (data === undefined) break;
    yield { ...line, clock, data };
  }
  await reader.drain();
}

const packetSizeLimitError = (size: number, limit: number): Error =>
  limitExceeded(
    `A packet of the file has ${megabytes(size)}; at most ${megabytes(limit)} fit into memory. ` +
      "Convert the video to H.264 in MP4, or raise video_split.memory_mb.",
  );
