import { URL } from "node:url";
import { gunzipSync } from "node:zlib";
import { cached, cacheFolder, type Environment, type Fetched } from "./cache.ts";
import type { Checksum } from "./checksums.ts";
import { DownloadError, download } from "./download.ts";
import type { Architecture } from "./elf.ts";
import { PackagingError } from "./errors.ts";

/** As in ffmpeg-static's install.js; its FFMPEG_BINARIES_URL names a mirror. */
const RELEASES = "https://github.com/eugeneware/ffmpeg-static/releases/download";

const NAMES: Record<Architecture, string> = { arm64: "ffmpeg-linux-arm64.gz", x86_64: "ffmpeg-linux-x64.gz" };

/** Of a program or an archive whose length isn't recorded yet: what Lambda takes altogether. */
const MAX_PROGRAM_BYTES = 250 * 1024 * 1024;

export function ffmpegUrl(architecture: Architecture, release: string, environment: Environment): URL {
  const base = environment.FFMPEG_BINARIES_URL || RELEASES;
  const url = `${base.replace(/\/+$/, "")}/${release}/${NAMES[architecture]}`;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new PackagingError(`FFMPEG_BINARIES_URL must be an http or https URL, not "${base}"`);
  return new URL(url);
}

async function fetchArchive(url: URL, architecture: Architecture, maxBytes: number): Promise<Uint8Array> {
  try {
    return await download(url, maxBytes);
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    throw new PackagingError(
      `ffmpeg for ${architecture} can't be downloaded from ${url.href}: ${error.message}. Try again, or name a mirror in ` +
        `FFMPEG_BINARIES_URL, or a static Linux ffmpeg for ${architecture} on this machine in FFMPEG_BIN.`,
      { cause: error },
    );
  }
}

/**
 * The archive of ffmpeg-static's release, from the cache or the network, with its checksum looked
 * at.
 */
export function ffmpegArchive(
  architecture: Architecture,
  { release, expected, environment }: { release: string; expected: Checksum; environment: Environment },
): Promise<Fetched> {
  const url = ffmpegUrl(architecture, release, environment);
  const name = `${release}-${NAMES[architecture]}`;
  return cached(cacheFolder(environment), { name, expected }, () =>
    fetchArchive(url, architecture, expected.bytes ?? MAX_PROGRAM_BYTES),
  );
}

/** The archive without a look at its checksum or into the cache, to record its checksum. */
export const unverifiedFfmpegArchive = (
  architecture: Architecture,
  release: string,
  environment: Environment,
): Promise<Uint8Array> => fetchArchive(ffmpegUrl(architecture, release, environment), architecture, MAX_PROGRAM_BYTES);

/** The program in an archive. Throws `PackagingError` where it isn't gzip. */
export function unpackFfmpeg(archive: Uint8Array): Uint8Array {
  try {
    return gunzipSync(archive, { maxOutputLength: MAX_PROGRAM_BYTES });
  } catch (cause) {
    throw new PackagingError(`ffmpeg's archive can't be unpacked: ${(cause as Error).message}`, { cause });
  }
}
