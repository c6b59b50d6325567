import { chmod, lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LOCK_FILES } from "./state-lock.ts";

const FOLDERS = ["s3", "dynamodb", "events", "lambda", "sqs", "queues"] as const;

export type StateFolders = Record<(typeof FOLDERS)[number], string>;

/** The state folder can't be made private. */
export class StateFolderError extends Error {
  override name = "StateFolderError";
}

const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;

/** Takes the rights of others away, in all that is below too. Links aren't followed. */
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
  // Whatever the umask took away from a new one.
  if ((mode & PRIVATE_FOLDER) !== PRIVATE_FOLDER) await chmod(path, PRIVATE_FOLDER);
}

const isOwn = (name: string): boolean => [...FOLDERS, ...LOCK_FILES].some((own) => own === name);

/** Of another user, whatever it holds would be believed. */
async function refuseOthers(directory: string): Promise<void> {
  const [{ uid }, own] = [await lstat(directory), process.getuid?.()];
  if (own === undefined || own === 0 || uid === own) return;
  throw new StateFolderError(`${directory} belongs to another user. Choose a folder of your own with --state`);
}

/**
 * Makes the folders of a stack's state where they aren't there yet, for this user alone, whatever the umask; wider rights
 * are taken away. Where `directory` holds other things too, its own rights stay: it isn't a state folder alone. Throws
 * `StateFolderError`.
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
