import type { MadeSegment } from "../../split/ports/media-tools.ts";
import { type AssemblyJob, assembleSegments } from "../assembly/assemble.ts";
import { concurrentMuxes } from "../assembly/memory-estimate.ts";
import { type CopiedSegment, CopiedVideo } from "./copied-video.ts";

export type CopiedCut = Omit<AssemblyJob, "starts" | "concurrentMuxes"> & {
  /** ffmpeg's index of the picture. */
  video: number;
  /** As ffprobe names it. */
  codec: string;
  segments: readonly CopiedSegment[];
  /** Whether frames that don't decode end the cut; else they are counted. */
  mustDecode: boolean;
  /** Bytes of one picture in memory. */
  bytesPerFrame: number;
};

/**
 * Cuts by stream copy in one forward reading: the picture at packets that are keyframes, the sound
 * at their times. Yields each segment as soon as it's complete and proven, in order. Throws
 * `CutFailedError`, `FfmpegError`, and the signal's reason when aborted.
 */
export function cutByCopy(cut: CopiedCut): AsyncGenerator<MadeSegment> {
  const starts = cut.segments.map(({ firstFrameTime }) => firstFrameTime);
  return assembleSegments(
    { ...cut, starts, concurrentMuxes: concurrentMuxes(cut.bytesPerFrame) },
    "copy",
    (context) => new CopiedVideo({ ...cut, hasSound: cut.audio.length > 0 }, context),
  );
}
