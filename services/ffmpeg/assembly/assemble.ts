import { join } from "node:path";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import type { DynamicRangeCheck } from "../proof/dynamic-range.ts";
import type { ContainerMetadata } from "../source/container-metadata.ts";
import { Assembly } from "./assembly.ts";
import { audioOutputFor } from "./audio-output.ts";
import { readSource, type SourceReading, type VideoReader } from "./read-source.ts";
import { SpoolFolder } from "./spool.ts";

export type AssemblyJob = Omit<SourceReading, "audioOutputs"> & {
  container: Container;
  metadata: ContainerMetadata;
  /** Of a source that is HDR. */
  dynamicRange: DynamicRangeCheck | undefined;
  /** What the source's container calls the picture's codec. */
  tag: string;
  /** When the sound of each segment starts: seconds from the video's first frame. */
  starts: readonly number[];
  /** The first segment that is needed. */
  from: number;
  /** Segments that are joined and proven at the same time. */
  concurrentMuxes: number;
};

/** What the picture of an assembly is made with. */
export type AssemblyContext = {
  assembly: Assembly;
  /** For temporary files. */
  spools: SpoolFolder;
  signal: AbortSignal;
};

/**
 * Reads the source once and puts each segment together from its picture, which `pictureOf` makes,
 * and its sound. Yields the segments in order, complete and proven; the reader owns their files.
 * `folder` names a folder in the job's directory for temporary files. No process and no temporary
 * file is left, however it ends.
 */
export async function* assembleSegments(
  job: AssemblyJob,
  folder: string,
  pictureOf: (context: AssemblyContext) => VideoReader,
): AsyncGenerator<MadeSegment> {
  const { binary, directory, container, metadata, dynamicRange, tag, starts, from, audio, concurrentMuxes } = job;
  const stopping = new AbortController();
  const signal = AbortSignal.any([job.signal, stopping.signal]);
  const spools = await SpoolFolder.create(join(directory, folder));
  const audioOutputs = audio.map((track) => audioOutputFor(track, container));
  const segments = { container, metadata, dynamicRange, tag, starts, from, audio, audioOutputs, concurrentMuxes };
  const assembly = new Assembly({ binary, directory, spools, ...segments, signal });
  const picture = pictureOf({ assembly, spools, signal });
  const reading = readSource({ ...job, audioOutputs, directory: spools.path, signal }, picture, assembly).then(
    () => assembly.end(),
    (error: unknown) => assembly.fail(error),
  );
  try {
    yield* assembly.segments();
  } finally {
    stopping.abort(new Error("the segments are no longer needed"));
    await reading;
    await picture.ended();
    await assembly.close();
    await spools.remove();
  }
}
