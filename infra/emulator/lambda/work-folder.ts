import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const PREFIX = "run-";

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Makes a folder in `directory` for this process alone, named after it, and removes those of
 * processes that have ended: a killed process can't, and may have left large files.
 */
export async function openWorkFolder(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const left = (await readdir(directory)).filter((name) => {
    const [, pid] = /^run-(\d+)-/.exec(name) ?? [];
    return pid !== undefined && !isRunning(Number(pid));
  });
  await Promise.all(left.map((name) => rm(join(directory, name), { recursive: true, force: true })));
  return mkdtemp(join(directory, `${PREFIX}${process.pid}-`));
}
