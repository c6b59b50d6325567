import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "./cache.ts";
import recorded from "./checksums.json" with { type: "json" };
import { type Checksum, type Checksums, checksumOf, mismatch, type Program, type RecordedSums } from "./checksums.ts";
import { type Architecture, readLinuxProgram } from "./elf.ts";
import { PackagingError } from "./errors.ts";
import { LOCAL_FILE, releaseArchive, unpack, urlOf } from "./release.ts";

export type { Program } from "./checksums.ts";
export type { Architecture } from "./elf.ts";
export { PackagingError } from "./errors.ts";

/**
 * Maximum bytes of a function with its programs, unzipped.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_PACKAGE_BYTES = 250 * 1024 * 1024;

export const RECORDED: Checksums = recorded;

/** Libraries of Lambda's own Amazon Linux. A program that needs another one doesn't start there. */
const LIBRARIES = /^(libc|libm|libdl|librt|libpthread|libutil|libresolv|ld-linux[\w-]*)\.so/;

/** Where programs come from. */
export type Sources = {
  /** The project's folder. */
  root: string;
  /** FFMPEG_BIN, FFPROBE_BIN, FFMPEG_BINARIES_URL, XDG_CACHE_HOME. */
  environment: Environment;
  /** The expected programs; tests use others. */
  checksums?: Checksums;
};

export type ShippedProgram = {
  program: Program;
  /** A URL, or such as "FFMPEG_BIN /opt/ffmpeg". */
  source: string;
  from: "cache" | "network" | "local file";
  /** What was downloaded; undefined for a local file. */
  archive?: { bytes: number; sum: string };
  /** Relative to the function's folder. */
  file: string;
  bytes: number;
  sum: string;
};

type Found = Pick<ShippedProgram, "source" | "from" | "archive"> & { content: Uint8Array };

function recordedFor(architecture: Architecture, checksums: Checksums): RecordedSums {
  const sums = checksums[architecture];
  if (sums !== undefined) return sums;
  throw new PackagingError(
    `infra/packaging/checksums.json has no checksums of ffmpeg ${checksums.release} for ${architecture}. Run ` +
      `npx video-split package --architecture ${architecture} --record, compare what it prints with the release's page, and commit the file.`,
  );
}

async function localFile(program: Program, file: string): Promise<Found> {
  const content = await readFile(file).catch((cause) => {
    throw new PackagingError(`${LOCAL_FILE[program]} names ${file}, which can't be read: ${cause.message}`, { cause });
  });
  return { content, source: `${LOCAL_FILE[program]} ${file}`, from: "local file" };
}

const checked = (program: Program, content: Uint8Array, expected: Checksum): Uint8Array => {
  const fault = mismatch(content, expected);
  if (fault === undefined) return content;
  throw new PackagingError(
    `${program} isn't the program whose checksum is recorded in infra/packaging/checksums.json: ${fault}. Nothing is ` +
      "shipped; see docs/decisions/packaging.md.",
  );
};

async function find(program: Program, architecture: Architecture, sources: Sources): Promise<Found> {
  const { environment, checksums = RECORDED } = sources;
  const local = environment[LOCAL_FILE[program]];
  if (local) return localFile(program, local);
  const sums = recordedFor(architecture, checksums)[program];
  const file = { program, architecture, release: checksums.release };
  const { content, from } = await releaseArchive(file, sums.archive, environment);
  const unpacked = checked(program, unpack(program, content), sums.program);
  return { content: unpacked, source: urlOf(file, environment).href, from, archive: checksumOf(content) };
}

/** Throws for a program that Lambda couldn't start. */
function checkProgram(program: Program, { content, source }: Found, architecture: Architecture): void {
  const linux = readLinuxProgram(content);
  const advice = `Name a static Linux ${program} for ${architecture} in ${LOCAL_FILE[program]}, or unset it.`;
  if (linux === undefined)
    throw new PackagingError(`${program} (${source}) is not a Linux program, or is incomplete. ${advice}`);
  if (linux.machine !== architecture)
    throw new PackagingError(
      `${program} (${source}) is for ${linux.machine}, but the function runs on ${architecture}. ${advice}`,
    );
  const missing = linux.libraries.filter((name) => !LIBRARIES.test(name));
  if (missing.length > 0)
    throw new PackagingError(
      `${program} (${source}) needs ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", ..." : ""}, which Lambda doesn't have. ${advice}`,
    );
}

async function ship(
  directory: string,
  program: Program,
  architecture: Architecture,
  sources: Sources,
): Promise<ShippedProgram> {
  const found = await find(program, architecture, sources);
  checkProgram(program, found, architecture);
  const file = join("bin", program);
  const path = join(directory, file);
  await mkdir(join(directory, "bin"), { recursive: true });
  await writeFile(path, found.content);
  // Lambda runs functions as a user who doesn't own the files.
  await chmod(path, 0o755);
  const { content, ...origin } = found;
  return { program, ...origin, file, ...checksumOf(content) };
}

/** Bytes of all files below a folder. */
export async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ parentPath, name }) => stat(join(parentPath, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

/**
 * Adds to `directory`, a function that SST has built, the programs that it runs: for its
 * architecture, with the recorded checksums, executable by everyone. Refuses programs that don't
 * run in Lambda, and a function that is too large. Throws `PackagingError`.
 */
export async function preparePackage(
  directory: string,
  { architecture, programs }: { architecture: Architecture; programs: readonly Program[] },
  sources: Sources,
): Promise<ShippedProgram[]> {
  const shipped: ShippedProgram[] = [];
  for (const program of programs) shipped.push(await ship(directory, program, architecture, sources));
  const bytes = await sizeOf(directory);
  if (bytes > MAX_PACKAGE_BYTES) {
    const megabytes = Math.ceil(bytes / 1024 / 1024);
    throw new PackagingError(`The function with its programs is ${megabytes} MB unzipped; Lambda's limit is 250 MB.`);
  }
  return shipped;
}
