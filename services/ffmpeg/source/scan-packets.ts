import type { PlannedPacket } from "../../split/domain/cut-plan.ts";
import type { PacketIndex } from "../../split/domain/packet-index.ts";
import { runFfprobe } from "../process/ffprobe.ts";
import { type SourceAddress, untrustedInput } from "../process/sandbox.ts";
import { type Gap, GapFinder } from "./lost-packets.ts";

/** ffmpeg's threshold for a jump of a broadcast stream's clock (-dts_delta_threshold). */
const DISCONTINUITY_SECONDS = 10;

/**
 * Options for reading a source whose index has a long gap, so that ffmpeg doesn't take it for a jump
 * of the clock, which the index wouldn't have.
 */
export function jumpOptions(format: string, index: PacketIndex): string[] {
  if (!mayJump(format)) return [];
  let longest = 0;
  for (let packet = 1; packet < index.count; packet += 1)
    longest = Math.max(longest, index.time(packet) - index.time(packet - 1));
  return longest < DISCONTINUITY_SECONDS ? [] : ["-dts_delta_threshold", String(Math.ceil(2 * longest))];
}

/** Containers whose clock may jump (ffmpeg's AVFMT_TS_DISCONT). */
const mayJump = (format: string): boolean => format === "mpegts" || format === "mpeg";

const seconds = (text: string | undefined): number | undefined => {
  const value = Number(text);
  return text === undefined || text === "" || Number.isNaN(value) ? undefined : value;
};

/**
 * Parses lines of `ffprobe -show_entries packet=pts_time,dts_time,duration_time,pos,flags -of
 * csv=p=0` into packets. AVI has no presentation times: decode times are used instead. `gaps` gets
 * each packet.
 */
export function packetReader(
  format: string,
  gaps: GapFinder = new GapFinder(),
): (line: string) => PlannedPacket | undefined {
  let shift = 0;
  let expected: number | undefined;
  return (line) => {
    const [pts, dts, duration, pos, flags] = line.split(",");
    if (flags === undefined) return undefined;
    const length = seconds(duration);
    const decoded = seconds(dts) ?? seconds(pts) ?? (expected === undefined ? 0 : expected - shift);
    const gap = expected === undefined ? 0 : decoded + shift - expected;
    const isLoss = gaps.add(seconds(pos), (seconds(pts) ?? decoded) + shift, length ?? 0);
    // Where the bytes for it are in the file, the time has passed.
    if (expected !== undefined && mayJump(format) && Math.abs(gap) > DISCONTINUITY_SECONDS && !isLoss) {
      shift = expected - decoded;
    }
    expected = decoded + shift + (length ?? 0);
    return {
      time: (seconds(pts) ?? decoded) + shift,
      duration: length !== undefined && length > 0 ? length : undefined,
      key: flags.startsWith("K"),
      // "D": discarded, hidden by an edit list.
      shown: flags[1] !== "D",
    };
  };
}

export type PacketScan = {
  binary: string;
  address: SourceAddress;
  /** ffmpeg's index of the video stream. */
  stream: number;
  /** The container, as ffprobe names it. */
  format: string;
  /** Whether ffprobe probes further into the file for its tracks. */
  isDeep?: boolean;
  signal: AbortSignal;
  onPacket: (packet: PlannedPacket) => void;
};

/**
 * Reads every packet of one stream without decoding, and passes each one on in decode order. Memory
 * doesn't grow with the source. Resolves with the places where packets may be missing, and with what
 * ffprobe complained of. Throws `FfmpegError` when the source can't be read.
 */
export async function scanPackets(scan: PacketScan): Promise<{ gaps: readonly Gap[]; stderr: string }> {
  const { binary, address, stream, format, isDeep, signal, onPacket } = scan;
  const finder = new GapFinder();
  const read = packetReader(format, finder);
  const entries = ["-show_entries", "packet=pts_time,dts_time,duration_time,pos,flags", "-of", "csv=p=0"];
  const { stderr } = await runFfprobe({
    binary,
    args: [...untrustedInput(format, isDeep), "-select_streams", String(stream), ...entries, address.url],
    signal,
    source: address,
    onLine: (line) => {
      const packet = read(line);
      if (packet !== undefined) onPacket(packet);
    },
  });
  return { gaps: finder.gaps, stderr };
}
