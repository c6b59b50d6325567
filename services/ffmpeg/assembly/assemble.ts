import { join } from "node:path";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import type { ContainerMetadata } from "../source/container-metadata.ts";
import { Assembly } from "./assembly.ts";
import { audioOutputFor } from "./audio-output.ts";
import { readSource, type SourceReading, type VideoReader } from "./read-source.ts";
import { SpoolFolder } from "./spool.ts";

export type AssemblyJob = Omit<SourceReading, "audioOutputs"> & {
  /** Path of ffprobe. */
  ffprobe: string;
  container: Container;
  metadata: ContainerMetadata;
  /** Compares a segment's HDR metadata with the source's; undefined when the source isn't HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  /** The source's sample entry or FourCC of the video codec, such as "hev1". */
  tag: string;
  /** Start of each segment's audio: seconds from the first video frame. */
  starts: readonly number[];
  /** Index of the first segment to make. */
  from: number;
  /** Index of the last one: nothing is read that it doesn't need. */
  last: number;
  /** How many segments are muxed and proven concurrently. */
  concurrentMuxes: number;
  /** Called when nothing more can be taken of the source, and when it can again. */
  hold?: ((isHeld: boolean) => void) | undefined;
  /** Called for each packet that was read. */
  onPacket?: (() => void) | undefined;
};

/** What a `VideoReader` gets from the assembly it delivers to. */
export type AssemblyContext = {
  assembly: Assembly;
  /** For temporary files. */
  spools: SpoolFolder;
  signal: AbortSignal;
};

/**
 * Reads the source once and assembles each segment from its video, which `createVideoReader`
 * delivers, and its audio. Yields the segments in order, complete and proven; the caller owns their
 * files. `folder` is the name of a temporary folder below the job's directory. However it ends, no
 * process and no temporary file is left.
 */
export async function* assembleSegments(
  job: AssemblyJob,
  folder: string,
  createVideoReader: (context: AssemblyContext) => VideoReader,
): AsyncGenerator<MadeSegment> {
  const { directory, container, audio, seek } = job;
  const stopping = new AbortController();
  const signal = AbortSignal.any([job.signal, stopping.signal]);
  const spools = await SpoolFolder.create(join(directory, folder));
  const audioOutputs = audio.map((track) => audioOutputFor(track, container));
  const assembly = new Assembly({ ...job, spools, isSeeked: seek !== undefined, audioOutputs, signal });
  const video = createVideoReader({ assembly, spools, signal });
  const untilEnough = AbortSignal.any([signal, assembly.enough]);
  const reading = readSource(
    { ...job, audioOutputs, directory: spools.path, signal: untilEnough },
    video,
    assembly,
  ).then(
    () => assembly.end(),
    (error: unknown) => {
      if (!assembly.enough.aborted) assembly.fail(error);
    },
  );
  try {
    yield* assembly.segments();
  } finally {
    stopping.abort(new Error("the segments are no longer needed"));
    await reading;
    await video.ended();
    await assembly.close();
    await spools.remove();
  }
}
