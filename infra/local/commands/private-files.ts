const PRIVATE = 0o077;

let usersMask: number | undefined;

/**
 * From now on only this user can read the files and folders that this process and its children
 * create.
 */
export function keepFilesPrivate(): void {
  usersMask ??= process.umask(PRIVATE);
}

/**
 * Creates files that are meant for the user, such as segments, with the permissions of the user's
 * umask. Only for synchronous work, because the umask is the whole process's.
 */
export function withUserUmask<T>(work: () => T): T {
  if (usersMask === undefined) return work();
  process.umask(usersMask);
  try {
    return work();
  } finally {
    process.umask(PRIVATE);
  }
}
