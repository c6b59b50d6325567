import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** Whether a process exists and isn't a zombie, which only waits to be reaped by process 1. */
export async function isRunning(pid: unknown): Promise<boolean> {
  try {
    process.kill(Number(pid), 0);
    if (!existsSync("/proc")) return true;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.charAt(stat.lastIndexOf(")") + 2) !== "Z";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH" || code === "ENOENT") return false;
    throw error;
  }
}
