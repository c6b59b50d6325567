import { isIso, isMatroska } from "../formats/containers.ts";
import { demuxSegment } from "./demux-segment.ts";
import { parseSegment } from "./parse-segment.ts";
import type { PacketHandlers, SegmentFile } from "./segment-file.ts";

/**
 * Reads every packet of a segment's file with a reader that shares no code with its writer.
 * docs/decisions/proof-reader.md
 *
 * Throws `CutFailedError` (ProofFailed) for a file that can't be parsed, `FfmpegError` for one that
 * ffmpeg can't demux, what the handlers throw, the file system's errors, and the signal's reason,
 * immediately.
 */
export async function readSegment(segment: SegmentFile, handlers: PacketHandlers): Promise<void> {
  const { container, signal } = segment;
  signal.throwIfAborted();
  const isParsed = isIso(container) || isMatroska(container);
  await (isParsed ? parseSegment(segment, handlers) : demuxSegment(segment, handlers));
}
