import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DamagedStateError } from "./damage.ts";

/** Another stack uses the same state. */
export class StateInUseError extends Error {
  override name = "StateInUseError";
}

const LOCK = "lock.sqlite";
const OWNER = "lock-owner";

/** Files of the lock in a state folder. */
export const LOCK_FILES: readonly string[] = [LOCK, `${LOCK}-journal`, OWNER];

/** Referenced, because a connection that is garbage collected releases its lock. */
const held = new Set<DatabaseSync>();

/** https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

/** Undefined where another connection, of this process or another one, holds the file's lock. */
function tryToLock(file: string): DatabaseSync | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    const { errcode } = error as { errcode?: number };
    if (errcode === SQLITE_BUSY) return undefined;
    if (errcode !== SQLITE_NOTADB) throw error;
    throw new DamagedStateError(`${file} is damaged (SQLite can't read it). Remove it: it only contains a lock`, {
      cause: error,
    });
  }
}

/** Which file a path names, without opening it: closing it would end this process's locks on it. */
async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev} ${found.ino} ${found.birthtimeNs}`;
}

/**
 * Keeps two stacks from writing to one state. The lock is the kernel's, on a file that SQLite
 * opens. It ends with its process, also after kill -9: no lock is ever stale. Returns how to
 * release it. Throws `StateInUseError`.
 */
export async function lockState(directory: string): Promise<() => void> {
  const file = join(directory, LOCK);
  const owner = join(directory, OWNER);
  for (;;) {
    const before = await identityOf(file);
    const lock = tryToLock(file);
    if (lock === undefined) {
      const pid = await readFile(owner, "utf8").catch(() => "unknown");
      throw new StateInUseError(
        `${directory} is in use by another stack (process ${pid}). Stop it, or choose another folder with --state`,
      );
    }
    // Where the folder was removed after SQLite opened the file, this lock is on a file that others
    // can't find.
    if (before !== undefined && before === (await identityOf(file))) {
      await chmod(file, 0o600);
      await writeFile(owner, String(process.pid), { mode: 0o600 });
      held.add(lock);
      return () => {
        // Released once, however often it's called.
        if (held.delete(lock)) lock.close();
      };
    }
    lock.close();
  }
}
