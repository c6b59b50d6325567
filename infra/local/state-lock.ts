import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Another stack uses the same state. */
export class StateInUseError extends Error {
  override name = "StateInUseError";
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/**
 * Keeps two stacks from writing to one state. The lock names its owner's process, so that one which was killed doesn't
 * lock it for ever. Returns how to let go. Throws `StateInUseError`.
 */
export async function lockState(directory: string): Promise<() => Promise<void>> {
  const file = join(directory, "lock");
  const release = () => rm(file, { force: true });
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx" });
      return release;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = Number(await readFile(file, "utf8").catch(() => ""));
    // A lock of this very number is left from an earlier process: this one hasn't made any yet.
    if (owner > 0 && owner !== process.pid && isAlive(owner)) {
      throw new StateInUseError(
        `${directory} is in use by another stack (process ${owner}). Stop it, or choose another folder with --state`,
      );
    }
    await release();
  }
}
