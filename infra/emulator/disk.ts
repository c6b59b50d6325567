import { resolve, sep } from "node:path";

/** The disk is full. */
export class DiskFullError extends Error {
  override name = "DiskFullError";
}

/** No space, no quota, and a limit on the size of files. */
const CODES: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

/** The same, in LevelDB's words. */
const LEVEL_MESSAGE = /^IO error: (?<file>.*): (?:No space left on device|Disk quota exceeded|File too large)$/;

/** Whether an error, or its cause, means that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof DiskFullError || (code !== undefined && CODES.includes(code))) return true;
  return LEVEL_MESSAGE.test(error.message) || isDiskFull(error.cause);
}

const fileIn = (error: unknown): string | undefined => {
  const { path, message = "" } = error as Partial<NodeJS.ErrnoException>;
  return path ?? LEVEL_MESSAGE.exec(message)?.groups?.file;
};

/**
 * The error for a full disk; `path` couldn't be written, by default the one that the error names.
 */
export const diskFull = (cause: unknown, path: string = fileIn(cause) ?? "a file"): DiskFullError =>
  new DiskFullError(
    `The disk is full (${path} could not be written). Free some space and start again. Everything that was acknowledged is stored`,
    { cause },
  );

type Listener = (error: DiskFullError) => void;

const listeners = new Map<string, Listener>();

/**
 * Calls `onFull` when a file in `directory` can't be written because the disk is full. Returns a
 * function that ends the watch.
 */
export function watchDisk(directory: string, onFull: Listener): () => void {
  const watched = resolve(directory) + sep;
  listeners.set(watched, onFull);
  return () => {
    if (listeners.get(watched) === onFull) listeners.delete(watched);
  };
}

/**
 * The error to throw where `path` couldn't be written. Where the disk is full, the watchers of its
 * folder are called.
 */
export function refusedByDisk(error: unknown, path: string): unknown {
  if (!isDiskFull(error)) return error;
  const full = error instanceof DiskFullError ? error : diskFull(error, path);
  for (const [directory, listener] of listeners) if (resolve(path).startsWith(directory)) listener(full);
  return full;
}
