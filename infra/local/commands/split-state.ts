import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, realpath, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockState, StateInUseError } from "../../emulator/state-lock.ts";
import type { Settings } from "../../settings.ts";
import type { Arguments } from "./split-arguments.ts";

/** Works on a stack's state. `isResumed`: it was left by a killed command. */
type Work<T> = (directory: string, isResumed: boolean) => Promise<T>;

const PREFIX = join(tmpdir(), "video-split-stack-");

/**
 * The folder's name is computed from the video and the options, so that the same command continues
 * after it was killed.
 */
async function directoryFor(video: string, { seconds, cut }: Arguments, settings: Settings): Promise<string> {
  const { size, mtimeMs } = await stat(video);
  const what = JSON.stringify([await realpath(video), size, mtimeMs, seconds, cut, settings]);
  return `${PREFIX}${createHash("sha256").update(what).digest("hex").slice(0, 16)}`;
}

/**
 * Whether it existed. Throws `StateInUseError` where another user made it: its name can be guessed,
 * and its content would be trusted.
 */
async function makeOwn(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 });
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const found = await lstat(directory);
  if (found.isDirectory() && found.uid === process.getuid?.()) return true;
  throw new StateInUseError(`${directory} belongs to another user`);
}

/**
 * Does nothing if another command has taken it over or removed it. The folder is renamed first, so
 * that no command takes over a half-removed one.
 */
async function remove(directory: string): Promise<void> {
  let release: () => void;
  try {
    release = await lockState(directory);
  } catch (error) {
    if (error instanceof StateInUseError || !existsSync(directory)) return;
    throw error;
  }
  const expiring = `${directory}-${process.pid}`;
  await rename(directory, expiring);
  release();
  await rm(expiring, { recursive: true, force: true });
}

/**
 * Does work on a state of its own, which is removed when the work ends or fails. After a kill -9,
 * the same command continues with it. If another process is doing the same split, this one uses
 * another state.
 */
export async function withSplitState<T>(video: string, args: Arguments, settings: Settings, work: Work<T>): Promise<T> {
  const directory = await directoryFor(video, args, settings);
  try {
    const isResumed = await makeOwn(directory);
    try {
      return await work(directory, isResumed);
    } finally {
      await remove(directory);
    }
  } catch (error) {
    if (!(error instanceof StateInUseError)) throw error;
  }
  const alone = await mkdtemp(PREFIX);
  try {
    return await work(alone, false);
  } finally {
    await rm(alone, { recursive: true, force: true });
  }
}
