import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../../infra/local/project.ts";

const run = promisify(execFile);

/** Where `sst install` puts the sources of SST's components and the providers' packages. */
export const PLATFORM = join(PROJECT_ROOT, ".sst", "platform");

const LOCK = join(PROJECT_ROOT, ".sst", "install.lock");

/** An installation takes about 40 seconds; a lock that is this old was left by one that was killed. */
const STALE_LOCK_MS = 10 * 60_000;

const textOf = (file: string): Promise<string | undefined> => readFile(file, "utf8").catch(() => undefined);

async function pinnedVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8"));
  return manifest.devDependencies.sst;
}

/** SST writes the version before it installs the providers' packages, and their lock file last. */
async function isInstalled(version: string): Promise<boolean> {
  const installed = await textOf(join(PLATFORM, "version"));
  const providers = await textOf(join(PROJECT_ROOT, ".sst", "provider-lock.json"));
  return installed === version && providers !== undefined;
}

async function install(): Promise<void> {
  const command = join(PROJECT_ROOT, "node_modules", ".bin", "sst");
  // Needs no Pulumi, bun or credentials, only the npm registry: it only installs the components'
  // sources.
  const offCloud = {
    SST_SKIP_DEPENDENCY_CHECK: "1",
    SST_NO_BUN: "1",
    SST_TELEMETRY_DISABLED: "1",
    AWS_EC2_METADATA_DISABLED: "true",
    NO_COLOR: "1",
  };
  // It leaves a log there.
  const temporary = await mkdtemp(join(tmpdir(), "video-split-sst-"));
  try {
    const env = { ...process.env, ...offCloud, TMPDIR: temporary };
    await run(command, ["install", "--stage", "test"], { cwd: PROJECT_ROOT, env });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`sst install failed:\n${stdout ?? ""}${stderr ?? ""}`, { cause: error });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Resolves with a function that releases the lock. */
async function lock(): Promise<() => Promise<void>> {
  await mkdir(join(PROJECT_ROOT, ".sst"), { recursive: true });
  for (;;) {
    try {
      await writeFile(LOCK, String(process.pid), { flag: "wx" });
      return () => rm(LOCK, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const age = Date.now() - (await stat(LOCK).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > STALE_LOCK_MS) await rm(LOCK, { force: true });
    else await wait(500);
  }
}

/** Installs SST's platform where it is missing or of another version than package.json pins. */
export async function ensurePlatform(): Promise<void> {
  const version = await pinnedVersion();
  if (await isInstalled(version)) return;
  const release = await lock();
  try {
    // The process that held the lock may have installed it.
    if (!(await isInstalled(version))) await install();
    if (!(await isInstalled(version))) throw new Error(`sst install left no platform of version ${version} in .sst`);
  } finally {
    await release();
  }
}
