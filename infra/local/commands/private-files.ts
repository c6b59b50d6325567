const PRIVATE = 0o077;

let usersMask: number | undefined;

/** From here on all files and folders that this process and its children make are this user's alone. */
export function keepFilesPrivate(): void {
  usersMask ??= process.umask(PRIVATE);
}

/**
 * Makes files that are the user's own, such as a split's output: with the rights that the user's umask leaves. Only
 * synchronous work, since the umask is the whole process's.
 */
export function asUserWould<T>(work: () => T): T {
  if (usersMask === undefined) return work();
  process.umask(usersMask);
  try {
    return work();
  } finally {
    process.umask(PRIVATE);
  }
}
