import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle, Bundler } from "./contract.ts";

/** A bundle of one version of a function's sources. */
export type CodeVersion = { bundle: Bundle; directory: string };

/** A function's code. */
export type Code = {
  /** The newest version that could be bundled. */
  current(): Promise<CodeVersion>;
  /** Removes the versions before the current one, save those in `used`. */
  prune(used: ReadonlySet<CodeVersion>): Promise<void>;
};

/**
 * File systems store times in steps; a source that is this much older than the bundle
 * (milliseconds) has been read.
 */
const TIMESTAMP_STEP_MS = 20;

/**
 * Identifies the version of a source that was read; undefined if it may have changed since, or was
 * deleted.
 */
async function identityOf(source: string, readAtMs: number): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(source);
    return mtimeMs > readAtMs - TIMESTAMP_STEP_MS ? undefined : `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

type Snapshot = { takenFrom: string[]; identities: (string | undefined)[] };

async function snapshotOf(sources: string[], readAtMs: number): Promise<Snapshot> {
  return { takenFrom: sources, identities: await Promise.all(sources.map((source) => identityOf(source, readAtMs))) };
}

async function isUnchanged({ takenFrom, identities }: Snapshot): Promise<boolean> {
  const now = await Promise.all(takenFrom.map((source) => identityOf(source, Number.POSITIVE_INFINITY)));
  return now.every((identity, index) => identity === identities[index]);
}

/**
 * Bundles a handler below `directory`. With `watch`, `current` checks whether a source has changed,
 * so that an invocation after the change never runs the old code. With a file watcher it could. A
 * change that can't be bundled is reported to `onBuildError`, once, and the previous version stays.
 * Throws `BundleError` if there is no previous version.
 */
export async function openCode(options: {
  handler: string;
  bundle: Bundler;
  root: string;
  directory: string;
  watch: boolean;
  onBuildError(error: Error): void;
}): Promise<Code> {
  const { handler, bundle, root, watch } = options;
  let count = 0;
  let lastFault: string | undefined;
  const old: CodeVersion[] = [];

  const build = async (): Promise<{ version: CodeVersion; snapshot: Snapshot }> => {
    count += 1;
    const directory = join(options.directory, String(count));
    const startedAtMs = Date.now();
    const made = await bundle(handler, { root, directory });
    return { version: { bundle: made, directory }, snapshot: await snapshotOf(made.sources, startedAtMs) };
  };

  let { version, snapshot } = await build();

  const refresh = async (): Promise<void> => {
    if (await isUnchanged(snapshot)) return;
    try {
      const next = await build();
      lastFault = undefined;
      snapshot = next.snapshot;
      const [superseded, kept] =
        next.version.bundle.hash === version.bundle.hash ? [next.version, version] : [version, next.version];
      old.push(superseded);
      version = kept;
    } catch (error) {
      if ((error as Error).message !== lastFault) options.onBuildError(error as Error);
      lastFault = (error as Error).message;
    }
  };

  let refreshing: Promise<void> | undefined;
  return {
    current: async () => {
      if (watch) {
        refreshing ??= refresh().finally(() => {
          refreshing = undefined;
        });
        await refreshing;
      }
      return version;
    },
    prune: async (used) => {
      const unused = old.filter((candidate) => !used.has(candidate));
      for (const candidate of unused) old.splice(old.indexOf(candidate), 1);
      await Promise.all(unused.map(({ directory }) => rm(directory, { recursive: true, force: true })));
    },
  };
}
