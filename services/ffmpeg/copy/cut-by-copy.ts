import type { PacketIndex } from "../../split/domain/packet-index.ts";
import type { MadeSegment } from "../../split/ports/media-tools.ts";
import { type AssemblyJob, assembleSegments } from "../assembly/assemble.ts";
import { concurrentMuxes } from "../assembly/memory-estimate.ts";
import { type CopiedSegment, CopiedVideo } from "./copied-video.ts";

export type CopiedCut = Omit<AssemblyJob, "starts" | "concurrentMuxes"> & {
  /** ffmpeg's index of the video stream. */
  video: number;
  /** Codec, as ffprobe names it. */
  codec: string;
  segments: readonly CopiedSegment[];
  index: PacketIndex;
  /** Of the source's video track. Default: unknown. */
  secondsPerTick?: number | undefined;
  /** Whether frames that don't decode fail the cut; otherwise they are counted. */
  mustDecode: boolean;
  /** Whether nothing in a segment may decode. Default: no, unless it's damaged. */
  mayBeUndecodable?: boolean;
  /** Memory of one decoded frame. */
  bytesPerFrame: number;
};

/**
 * Cuts by stream copy in one forward reading: video at packets that are keyframes, audio at the
 * same times. Yields each segment in order, as soon as it's complete and proven. Throws
 * `CutFailedError`, `FfmpegError`, and the signal's reason.
 */
export function cutByCopy(cut: CopiedCut): AsyncGenerator<MadeSegment> {
  const starts = cut.segments.map(({ firstFrameTime }) => firstFrameTime);
  return assembleSegments(
    { ...cut, starts, concurrentMuxes: concurrentMuxes(cut.bytesPerFrame) },
    "copy",
    (context) => new CopiedVideo({ ...cut, hasAudio: cut.audio.length > 0 }, context),
  );
}
