import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Linux lists all processes there; macOS has no such folder, but reaps orphans immediately. */
const PROCESSES = "/proc";

/**
 * State and process group out of `PID (NAME) STATE PARENT GROUP …`.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
function stateAndGroup(pid: string): { state: string; group: number } | undefined {
  try {
    const stat = readFileSync(`${PROCESSES}/${pid}/stat`, "utf8");
    const [state = "", , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, group: Number(group) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** Signals a process group. False where the group has no process; signal 0 only checks. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    // On macOS, a group that has only zombies gives EPERM.
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH" || code === "EPERM") return false;
    throw error;
  }
}

/**
 * Whether a process of the group is running. A zombie isn't: it holds no resource, and in a
 * container whose first process doesn't reap zombies, it would stay in its group.
 */
export function hasMembers(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (!existsSync(PROCESSES)) return true;
  const all = readdirSync(PROCESSES).filter((name) => /^\d+$/.test(name));
  return all.map(stateAndGroup).some((found) => found?.group === group && found.state !== "Z" && found.state !== "X");
}
