import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Checksum, mismatch } from "./checksums.ts";
import { PackagingError } from "./errors.ts";

export type Environment = Record<string, string | undefined>;

const APP = "video-split";

/** The user's own cache folder. https://specifications.freedesktop.org/basedir-spec/latest/ */
export function cacheFolder(environment: Environment): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, APP);
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", APP);
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, APP);
  return join(homedir(), ".cache", APP);
}

/** Written to a temporary name first, so that another deployment never reads half of it. */
async function store(folder: string, name: string, content: Uint8Array): Promise<void> {
  const partial = join(folder, `${name}.${randomUUID()}.partial`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(partial, content);
    await rename(partial, join(folder, name));
  } catch {
    // A cache that can't be written costs a download next time, not this deployment.
    await rm(partial, { force: true });
  }
}

export type Fetched = { content: Uint8Array; from: "cache" | "network" };

/**
 * The file `name` from the cache, or from `fetch`, whose result is kept. A cached file with another
 * checksum is fetched again. Throws `PackagingError` for a fetched one that has another.
 */
export async function cached(
  folder: string,
  { name, expected }: { name: string; expected: Checksum },
  fetch: () => Promise<Uint8Array>,
): Promise<Fetched> {
  const kept = await readFile(join(folder, name)).catch(() => undefined);
  if (kept !== undefined && mismatch(kept, expected) === undefined) return { content: kept, from: "cache" };
  const content = await fetch();
  const fault = mismatch(content, expected);
  if (fault !== undefined)
    throw new PackagingError(
      `${name} isn't the file whose checksum is recorded: ${fault}. Nothing is shipped; look where it comes from, and see ` +
        "docs/decisions/packaging.md.",
    );
  await store(folder, name, content);
  return { content, from: "network" };
}
