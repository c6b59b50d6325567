import { chmod, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export type Architecture = "arm64" | "x86_64";

/** ELF's number of a machine. https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const MACHINES: Record<Architecture, number> = { x86_64: 0x3e, arm64: 0xb7 };

/** npm's name of an architecture. */
const NPM_CPU: Record<Architecture, string> = { x86_64: "x64", arm64: "arm64" };

/** Bytes of a function with all that it's shipped with, unzipped. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LARGEST_PACKAGE_BYTES = 250 * 1024 * 1024;

const HEADER_BYTES = 20;

/** What would be deployed doesn't run in Lambda. The message says why, and what to do. */
export class PackagingError extends Error {
  override name = "PackagingError";
}

/** The program inside of a package, below node_modules. */
const PROGRAMS: Record<string, (architecture: Architecture) => string> = {
  "ffmpeg-static": () => "ffmpeg-static/ffmpeg",
  "@ffprobe-installer/ffprobe": (architecture) => `@ffprobe-installer/linux-${NPM_CPU[architecture]}/ffprobe`,
};

/** What to do where a package has no program, or the wrong one. */
const ADVICE: Record<string, string> = {
  "ffmpeg-static":
    "Its install script downloads it: run `npm install ffmpeg-static` to see why that fails. Where its host can't be reached, " +
    "name a mirror in FFMPEG_BINARIES_URL; where npm doesn't run install scripts, allow this one.",
  "@ffprobe-installer/ffprobe":
    "It comes inside of an npm package for each platform: look whether your registry has @ffprobe-installer/linux-arm64 and linux-x64.",
};

async function readHeader(file: string): Promise<DataView | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const header = new Uint8Array(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    return new DataView(header.buffer, 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** "arm64" of a 64-bit little-endian ELF program; undefined for what is none, such as a Mac's or half a download. */
function machineOf(header: DataView): string | undefined {
  if (header.byteLength < HEADER_BYTES) return undefined;
  const isElf = header.getUint32(0) === 0x7f454c46;
  const is64BitLittleEndian = header.getUint8(4) === 2 && header.getUint8(5) === 1;
  if (!isElf || !is64BitLittleEndian) return undefined;
  const number = header.getUint16(18, true);
  const known = (Object.keys(MACHINES) as Architecture[]).find((name) => MACHINES[name] === number);
  return known ?? `machine ${number}`;
}

async function prepareProgram(directory: string, name: string, architecture: Architecture): Promise<void> {
  const program = PROGRAMS[name]?.(architecture);
  if (program === undefined)
    throw new PackagingError(`Nothing is known of a program in ${name}; add it to infra/packaging.ts`);
  const file = join(directory, "node_modules", program);
  const header = await readHeader(file);
  if (header === undefined)
    throw new PackagingError(`${name} was installed without its program ${program}. ${ADVICE[name]}`);
  const machine = machineOf(header);
  if (machine === undefined)
    throw new PackagingError(
      `${program} is no Linux program: it's another system's, or wasn't downloaded whole. ${ADVICE[name]}`,
    );
  if (machine !== architecture) {
    throw new PackagingError(
      `${program} is for ${machine}, but the function runs on ${architecture}: npm installed it for the machine that deploys. ` +
        `Deploy from ${architecture}, or with npm 11, which can install for another architecture; or set video_split.architecture.`,
    );
  }
  // Lambda runs functions as a user who doesn't own their files; @ffprobe-installer lets its owner alone execute it.
  await chmod(file, 0o755);
}

async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ parentPath, name }) => stat(join(parentPath, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

/**
 * Makes sure that what is in `directory`, a function as SST has built it, runs in Lambda: the programs of its packages are there, for its
 * architecture, executable by everyone, and all of it isn't too large. Throws `PackagingError`.
 */
export async function preparePackage(
  directory: string,
  { architecture, packages }: { architecture: Architecture; packages: readonly string[] },
): Promise<void> {
  for (const name of packages) await prepareProgram(directory, name, architecture);
  const bytes = await sizeOf(directory);
  if (bytes > LARGEST_PACKAGE_BYTES) {
    const megabytes = Math.ceil(bytes / 1024 / 1024);
    throw new PackagingError(`The function with its packages is ${megabytes} MB unzipped; Lambda takes 250 MB.`);
  }
}
