/** A file of the state isn't as the stack wrote it. */
export class DamagedStateError extends Error {
  override name = "DamagedStateError";
}

/**
 * `what` is wrong with a file; `toMove` is what can be moved away to start without it, by default
 * the file.
 */
export function damaged(path: string, what: string, options: { toMove?: string; cause?: unknown } = {}): Error {
  const { toMove = path, cause } = options;
  return new DamagedStateError(
    `${path} is damaged (${what}). Restore it from a copy, or move ${toMove} away to start without its content. Nothing was changed`,
    { cause },
  );
}

/** Does work on the content of a file. A failure means that the file is damaged. */
export function orDamaged<T>(path: string, place: string, work: () => T, toMove?: string): T {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "is not JSON" : "is not what the stack writes";
    throw damaged(path, `${place} ${why}`, { cause, ...(toMove !== undefined && { toMove }) });
  }
}
