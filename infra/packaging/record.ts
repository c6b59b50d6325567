import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Checksums, checksumOf, type Program, type ProgramSums, type RecordedSums } from "./checksums.ts";
import type { Architecture } from "./elf.ts";
import { RECORDED, type Sources } from "./index.ts";
import { type ReleaseFile, unpack, unverifiedArchive } from "./release.ts";

/** Downloads a program, and returns the checksums of what came. */
async function sumsOf(file: ReleaseFile, { environment }: Sources): Promise<ProgramSums> {
  const archive = await unverifiedArchive(file, environment);
  return { archive: checksumOf(archive), program: checksumOf(unpack(file.program, archive)) };
}

async function recordFor(architecture: Architecture, release: string, sources: Sources): Promise<RecordedSums> {
  const sums = (program: Program) => sumsOf({ program, architecture, release }, sources);
  return { ffmpeg: await sums("ffmpeg"), ffprobe: await sums("ffprobe") };
}

/**
 * Records the checksums of a new release of ffmpeg-static in `infra/packaging/checksums.json`,
 * which must be committed: from then on only these files are shipped. The file names the release
 * and its version of ffmpeg.
 */
export async function recordChecksums(architectures: readonly Architecture[], sources: Sources): Promise<Checksums> {
  const checksums = { ...(sources.checksums ?? RECORDED) };
  for (const architecture of architectures)
    checksums[architecture] = await recordFor(architecture, checksums.release, sources);
  const file = join(sources.root, "infra", "packaging", "checksums.json");
  await writeFile(file, `${JSON.stringify(checksums, null, 2)}\n`);
  return checksums;
}
