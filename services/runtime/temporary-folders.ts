import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Temporary folders whose names contain their owner. Lambda keeps /tmp for the next process after
 * one that was killed, which couldn't remove its own:
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
const NAME = /^video-split-run-(\d+)-(\d+)-/;

/**
 * When a process was started, in clock ticks since the machine's boot: with its id this identifies
 * one process, since ids are reused. Undefined where there's no such process; "0" for one that is
 * alive where there's no /proc (proc_pid_stat(5)).
 */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
  }
  try {
    // "PID (COMMAND) STATE …": the 22nd field, counted from after the command, which may contain
    // any characters.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "0";
  }
}

/** Makes a folder of this process in `parent`. The caller removes it. */
export const makeTemporaryFolder = (parent: string): Promise<string> =>
  mkdtemp(join(parent, `video-split-run-${process.pid}-${startOf(process.pid)}-`));

/** Removes folders in `parent` whose owners have ended. Resolves with their names. */
export async function removeAbandonedFolders(parent: string): Promise<string[]> {
  const abandoned = readdirSync(parent).filter((name) => {
    const [, pid, start] = NAME.exec(name) ?? [];
    return pid !== undefined && startOf(Number(pid)) !== start;
  });
  await Promise.all(abandoned.map((name) => rm(join(parent, name), { recursive: true, force: true })));
  return abandoned;
}
