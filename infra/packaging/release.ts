import { URL } from "node:url";
import { gunzipSync } from "node:zlib";
import { cached, cacheFolder, type Environment, type Fetched } from "./cache.ts";
import type { Checksum, Program } from "./checksums.ts";
import { DownloadError, download } from "./download.ts";
import type { Architecture } from "./elf.ts";
import { PackagingError } from "./errors.ts";

/** As in ffmpeg-static's install.js; its FFMPEG_BINARIES_URL names a mirror. */
const RELEASES = "https://github.com/eugeneware/ffmpeg-static/releases/download";

const PLATFORMS: Record<Architecture, string> = { arm64: "linux-arm64", x86_64: "linux-x64" };

/** The variable that names a program on this machine instead. */
export const LOCAL_FILE: Record<Program, string> = { ffmpeg: "FFMPEG_BIN", ffprobe: "FFPROBE_BIN" };

/**
 * Maximum length of a program or an archive without a recorded one: Lambda's limit for a function.
 */
const MAX_PROGRAM_BYTES = 250 * 1024 * 1024;

/** A file of ffmpeg-static's release: a program for an architecture, compressed. */
export type ReleaseFile = { program: Program; architecture: Architecture; release: string };

const nameOf = ({ program, architecture }: ReleaseFile): string => `${program}-${PLATFORMS[architecture]}.gz`;

export function urlOf(file: ReleaseFile, environment: Environment): URL {
  const base = environment.FFMPEG_BINARIES_URL || RELEASES;
  const url = `${base.replace(/\/+$/, "")}/${file.release}/${nameOf(file)}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new PackagingError(`FFMPEG_BINARIES_URL must be an http or https URL, not "${base}"`);
  return new URL(url);
}

async function fetchArchive(file: ReleaseFile, environment: Environment, maxBytes: number): Promise<Uint8Array> {
  const url = urlOf(file, environment);
  try {
    return await download(url, maxBytes);
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    const { program, architecture } = file;
    throw new PackagingError(
      `${program} for ${architecture} can't be downloaded from ${url.href}: ${error.message}. Try again, or name a mirror in ` +
        `FFMPEG_BINARIES_URL, or a static Linux ${program} for ${architecture} on this machine in ${LOCAL_FILE[program]}.`,
      { cause: error },
    );
  }
}

/** A file of the release, from the cache or the network, with its checksum verified. */
export function releaseArchive(file: ReleaseFile, expected: Checksum, environment: Environment): Promise<Fetched> {
  const name = `${file.release}-${nameOf(file)}`;
  return cached(cacheFolder(environment), { name, expected }, () =>
    fetchArchive(file, environment, expected.bytes ?? MAX_PROGRAM_BYTES),
  );
}

/** A file of the release, not verified and not from the cache, to record its checksum. */
export const unverifiedArchive = (file: ReleaseFile, environment: Environment): Promise<Uint8Array> =>
  fetchArchive(file, environment, MAX_PROGRAM_BYTES);

/** The program in an archive. Throws `PackagingError` where it isn't gzip. */
export function unpack(program: Program, archive: Uint8Array): Uint8Array {
  try {
    return gunzipSync(archive, { maxOutputLength: MAX_PROGRAM_BYTES });
  } catch (cause) {
    throw new PackagingError(`${program}'s archive can't be unpacked: ${(cause as Error).message}`, { cause });
  }
}
