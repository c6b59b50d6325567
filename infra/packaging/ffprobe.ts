import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { cached, cacheFolder, type Environment, type Fetched } from "./cache.ts";
import type { Architecture } from "./elf.ts";
import { PackagingError } from "./errors.ts";
import { fileInTar } from "./tar.ts";

const run = promisify(execFile);

const PACKAGES: Record<Architecture, string> = {
  arm64: "@ffprobe-installer/linux-arm64",
  x86_64: "@ffprobe-installer/linux-x64",
};

type LockedPackage = { version: string; integrity: string };

type Lock = { packages: Record<string, Partial<LockedPackage>> };

/** The package that holds ffprobe, as package-lock.json pins it for every platform. */
async function lockedPackage(name: string, root: string): Promise<LockedPackage> {
  const lock: Lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8"));
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new PackagingError(`package-lock.json has no version and integrity of ${name}; run npm install`);
  return { version, integrity };
}

/** npm's line that says what went wrong, without codes, stack and log file. */
function npmReason({ stderr = "", message }: { stderr?: string; message: string }): string {
  const lines = stderr.split("\n").flatMap((line) => /^npm (?:error|ERR!) (\S.*)$/.exec(line)?.[1] ?? []);
  return (
    lines.find((line) => !/^(code|errno|syscall|path|A complete log)\b/.test(line)) ?? message.split("\n")[0] ?? ""
  );
}

/**
 * `npm pack`, since it knows the user's registry and credentials, installs nothing, runs no script,
 * and takes packages of any platform, with npm 11 and 12 alike.
 */
async function pack(
  spec: string,
  { root, environment }: { root: string; environment: Environment },
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "video-split-pack-"));
  try {
    const args = ["pack", spec, "--pack-destination", folder, "--ignore-scripts", "--loglevel=error"];
    // npm is a script on Windows, which only a shell starts.
    await run("npm", args, { cwd: root, env: environment, shell: process.platform === "win32" });
    const [file = ""] = await readdir(folder);
    return await readFile(join(folder, file));
  } catch (error) {
    throw new PackagingError(
      `npm pack ${spec} failed: ${npmReason(error as Error)}. Look at the registry with "npm config get registry", or name a ` +
        "static Linux ffprobe on this machine in FFPROBE_BIN.",
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The archive of the package that holds ffprobe, from the cache or the registry, its integrity as
 * package-lock.json has it.
 */
export async function ffprobeArchive(
  architecture: Architecture,
  { root, environment }: { root: string; environment: Environment },
): Promise<Fetched & { spec: string }> {
  const name = PACKAGES[architecture];
  const { version, integrity } = await lockedPackage(name, root);
  const spec = `${name}@${version}`;
  const file = { name: `${name.replace("/", "-")}-${version}.tgz`, expected: { sum: integrity } };
  const fetched = await cached(cacheFolder(environment), file, () => pack(spec, { root, environment }));
  return { ...fetched, spec };
}

/** The program in the package's archive. Throws `PackagingError` where it isn't there. */
export function unpackFfprobe(archive: Uint8Array): Uint8Array {
  const program = fileInTar(gunzipSync(archive), "package/ffprobe");
  if (program === undefined) throw new PackagingError("@ffprobe-installer's package has no file named ffprobe");
  return program;
}
