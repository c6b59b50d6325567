import { hash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { deserialize, serialize } from "node:v8";
import { version } from "esbuild";
import { BUNDLING, PROGRAM_PACKAGES, SST_DEFAULTS } from "./bundling.ts";

/**
 * Files of the root that decide how a bundle is made, besides its inputs. npm's list names each
 * installed package.
 */
const DECIDING = ["package.json", "tsconfig.json", "node_modules/.package-lock.json"];

/**
 * Entries are read only by the same options of the same esbuild, and only in the format that this
 * file writes.
 */
const FORMAT = JSON.stringify({ format: 1, version, BUNDLING, SST_DEFAULTS, PROGRAM_PACKAGES });

type Entry<Made> = { format: string; digests: Record<string, string>; made: Made };

const DIGEST = "sha256";

/**
 * Empty for a file that isn't there. Synchronous: 1,500 files take 20 ms of processor time;
 * asynchronously five times that.
 */
function digestOf(path: string): string {
  try {
    return hash(DIGEST, readFileSync(path));
  } catch {
    return "";
  }
}

/**
 * File systems store times in steps; a file that changed this long (milliseconds) before the build
 * was read as it is.
 */
const TIMESTAMP_STEP_MS = 20;

const changedSince = (path: string, timeMs: number): boolean =>
  (statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0) > timeMs - TIMESTAMP_STEP_MS;

/** Written to a temporary name first, so that no process reads half of it. */
async function store(folder: string, file: string, content: Uint8Array): Promise<void> {
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(partial, content);
    await rename(partial, file);
  } catch {
    // A cache that can't be written costs a build next time.
    await rm(partial, { force: true }).catch(() => {});
  }
}

async function read<Made>(file: string): Promise<Entry<Made> | undefined> {
  try {
    return deserialize(await readFile(file));
  } catch {
    return undefined;
  }
}

/**
 * The cached result of `make` for `entry`, if the contents of all its input files are unchanged.
 * Otherwise it is made and cached, one result for each entry, in the `node_modules` of `root`.
 * Without such a folder nothing is cached. Results are structured clones.
 */
export async function cachedBuild<Made extends { inputs: string[] }>(
  { root, entry }: { root: string; entry: string },
  make: () => Promise<Made>,
): Promise<Made> {
  if (!existsSync(join(root, "node_modules"))) return make();
  const folder = join(root, "node_modules", ".cache", "video-split", "bundles");
  const file = join(folder, hash(DIGEST, entry));
  const absolute = (path: string) => resolve(root, path);
  const kept = await read<Made>(file);
  const isSame = ([path, digest]: [string, string]) => digestOf(absolute(path)) === digest;
  if (kept?.format === FORMAT && Object.entries(kept.digests).every(isSame)) return kept.made;

  const startedAtMs = Date.now();
  const made = await make();
  const digests = Object.fromEntries([...DECIDING, ...made.inputs].map((path) => [path, digestOf(absolute(path))]));
  const wasRead = made.inputs.every((path) => !changedSince(absolute(path), startedAtMs));
  if (wasRead) await store(folder, file, serialize({ format: FORMAT, digests, made } satisfies Entry<Made>));
  return made;
}
