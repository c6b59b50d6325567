import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lockState, StateInUseError } from "../../../infra/emulator/state-lock.ts";

/** One of several processes that want the same state. Controlled by state-lock.test.ts. */
export type Order = { type: "lock"; directory: string } | { type: "come and go"; directory: string; times: number };

export type Answer = { won: boolean } | { clashes: number; turns: number };

async function lock(directory: string): Promise<Answer> {
  try {
    await lockState(directory);
    return { won: true };
  } catch (error) {
    if (!(error instanceof StateInUseError)) throw error;
    return { won: false };
  }
}

/** Undefined where another process has the state, or is removing it. */
const tryToLock = (directory: string): Promise<(() => void) | undefined> =>
  mkdir(directory, { recursive: true })
    .then(() => lockState(directory))
    .catch(() => undefined);

/** Owns the state and removes it, again and again, as `npx video-split split` does. Counts the turns in which it wasn't alone. */
async function comeAndGo(directory: string, times: number): Promise<Answer> {
  let clashes = 0;
  let turns = 0;
  for (let time = 0; time < times; time += 1) {
    const release = await tryToLock(directory);
    if (release === undefined) continue;
    turns += 1;
    // If another process has the lock too, this file exists, or the folder is removed.
    await writeFile(join(directory, "owned"), "", { flag: "wx" }).catch(() => {
      clashes += 1;
    });
    const expiring = `${directory}-${process.pid}`;
    await rename(directory, expiring).catch(() => {
      clashes += 1;
    });
    release();
    await rm(expiring, { recursive: true, force: true });
  }
  return { clashes, turns };
}

process.once("disconnect", () => process.exit());
process.on("message", async (order: Order) => {
  const { directory } = order;
  process.send?.(order.type === "lock" ? await lock(directory) : await comeAndGo(directory, order.times));
});
