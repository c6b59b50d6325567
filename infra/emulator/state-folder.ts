import { chmod, lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LOCK_FILES } from "./state-lock.ts";

/** "own": what the stack's owner keeps there. */
const FOLDERS = ["s3", "dynamodb", "events", "lambda", "sqs", "queues", "own"] as const;

export type StateFolders = Record<(typeof FOLDERS)[number], string>;

/** The state folder can't be made private. */
export class StateFolderError extends Error {
  override name = "StateFolderError";
}

const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;

/** Removes the permissions of other users, also in all that is below. Links aren't followed. */
async function tighten(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return;
  if ((found.mode & OTHERS) !== 0) await chmod(path, found.mode & 0o7777 & ~OTHERS);
  if (found.isDirectory()) for (const name of await readdir(path)) await tighten(join(path, name));
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER });
  const { mode } = await lstat(path);
  if ((mode & OTHERS) !== 0) await tighten(path);
  // Restores what the umask removed from a new folder.
  if ((mode & PRIVATE_FOLDER) !== PRIVATE_FOLDER) await chmod(path, PRIVATE_FOLDER);
}

const isOwn = (name: string): boolean => [...FOLDERS, ...LOCK_FILES].some((own) => own === name);

/** The content of another user's folder must not be trusted. */
async function refuseOthers(directory: string): Promise<void> {
  const [{ uid }, own] = [await lstat(directory), process.getuid?.()];
  if (own === undefined || own === 0 || uid === own) return;
  throw new StateFolderError(`${directory} belongs to another user. Choose a folder of your own with --state`);
}

/**
 * Creates the folders of a stack's state, for this user alone, independently of the umask; wider
 * permissions are removed. Where `directory` contains other things too, its own permissions stay:
 * it isn't only a state folder. Throws `StateFolderError`.
 */
export async function openStateFolder(directory: string): Promise<StateFolders> {
  await mkdir(directory, { recursive: true, mode: PRIVATE_FOLDER });
  await refuseOthers(directory);
  const names = await readdir(directory);
  if (names.every(isOwn)) await chmod(directory, PRIVATE_FOLDER);
  for (const name of LOCK_FILES) if (names.includes(name)) await tighten(join(directory, name));
  const folders = FOLDERS.map((name) => [name, join(directory, name)] as const);
  for (const [, folder] of folders) await makeFolder(folder);
  return Object.fromEntries(folders) as StateFolders;
}
