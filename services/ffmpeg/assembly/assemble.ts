import { join } from "node:path";
import type { Container, MadeSegment } from "../../split/ports/media-tools.ts";
import { Assembly } from "./assembly.ts";
import { keptAudioCodec } from "./audio-reading.ts";
import { type PictureReading, readSource, type SourceReading } from "./source-reading.ts";
import { SpoolFolder } from "./spool.ts";

export type AssemblyJob = SourceReading & {
  container: Container;
  /** When the sound of each segment starts: seconds from the video's first frame. */
  starts: readonly number[];
  /** The first segment that is needed. */
  from: number;
};

/** What the picture of an assembly is made with. */
export type Workplace = {
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
  pictureOf: (place: Workplace) => PictureReading,
): AsyncGenerator<MadeSegment> {
  const { binary, directory, container, starts, from, audio } = job;
  const stopping = new AbortController();
  const signal = AbortSignal.any([job.signal, stopping.signal]);
  const spools = await SpoolFolder.create(join(directory, folder));
  const audioCodecs = audio.map(({ codec }) => keptAudioCodec(codec));
  const leads = audio.map(({ lead }) => lead);
  const assembly = new Assembly({ binary, directory, spools, container, starts, from, audioCodecs, leads, signal });
  const picture = pictureOf({ assembly, spools, signal });
  const reading = readSource({ ...job, directory: spools.path, signal }, picture, assembly).then(
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
