import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Checksums, checksumOf, type RecordedSums } from "./checksums.ts";
import type { Architecture } from "./elf.ts";
import { unpackFfmpeg, unverifiedFfmpegArchive } from "./ffmpeg.ts";
import { ffprobeArchive, unpackFfprobe } from "./ffprobe.ts";
import { RECORDED, type Sources } from "./index.ts";

/** Downloads both programs for an architecture, and returns the checksums of what came. */
async function recordFor(architecture: Architecture, release: string, sources: Sources): Promise<RecordedSums> {
  const archive = await unverifiedFfmpegArchive(architecture, release, sources.environment);
  const { content } = await ffprobeArchive(architecture, sources);
  return {
    archive: checksumOf(archive),
    ffmpeg: checksumOf(unpackFfmpeg(archive)),
    ffprobe: checksumOf(unpackFfprobe(content)),
  };
}

/**
 * Records the checksums of a new release of ffmpeg-static, or of a new ffprobe, in
 * `infra/packaging/checksums.json`, which is to be committed: from then on nothing else is shipped.
 * The release is the one that the file names.
 */
export async function recordChecksums(architectures: readonly Architecture[], sources: Sources): Promise<Checksums> {
  const checksums = { ...(sources.checksums ?? RECORDED) };
  for (const architecture of architectures)
    checksums[architecture] = await recordFor(architecture, checksums.release, sources);
  const file = join(sources.root, "infra", "packaging", "checksums.json");
  await writeFile(file, `${JSON.stringify(checksums, null, 2)}\n`);
  return checksums;
}
