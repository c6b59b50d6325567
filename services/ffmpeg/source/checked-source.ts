import { RejectedVideo, ServiceError, SourceFetchError, SourceUnavailableError } from "../../video/errors.ts";
import type { LendingSource, RangedSource } from "./ranged-source.ts";

/** A source that reports whether everything requested was received. */
export type CheckedSource = LendingSource & {
  /**
   * Aborted by the first failure, with the error as its reason. All readers of the source stop on
   * it.
   */
  failed: AbortSignal;
};

/**
 * Why the source couldn't be fetched: the store's own error, a `RejectedVideo` where too much of it
 * was, or a `SourceFetchError` for any other error.
 */
type FetchFailure = SourceFetchError | SourceUnavailableError | RejectedVideo;

const isFetchFailure = (error: unknown): error is FetchFailure =>
  error instanceof SourceFetchError || error instanceof SourceUnavailableError || error instanceof RejectedVideo;

function fetchFailure(error: unknown): FetchFailure {
  if (isFetchFailure(error)) return error;
  if (error instanceof ServiceError) return new SourceFetchError(error.message, { cause: error });
  const detail = error instanceof Error ? error.message : String(error);
  return new SourceFetchError(`The source can't be read: ${detail}`, { cause: error });
}

/**
 * Checks every reading of a source. One that throws, or ends before its range does, is a failure of
 * the source, which ffmpeg would take for the end of the file. A reading that its reader aborts
 * isn't a failure.
 */
export function checkSource(source: RangedSource | LendingSource): CheckedSource {
  const failing = new AbortController();
  async function* checked(
    reading: RangedSource["read"],
    start: number,
    end: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const expected = end - start + 1;
    let received = 0;
    try {
      for await (const chunk of reading(start, end, signal)) {
        received += chunk.length;
        yield chunk;
      }
      if (signal.aborted || received === expected) return;
      throw new SourceFetchError(`The source ended after ${received} of ${expected} bytes from byte ${start} on`);
    } catch (error) {
      if (signal.aborted) return;
      const failure = fetchFailure(error);
      failing.abort(failure);
      throw failure;
    }
  }
  const lending = "lend" in source ? source.lend : source.read;
  return {
    size: source.size,
    read: (start, end, signal) => checked(source.read, start, end, signal),
    lend: (start, end, signal) => checked(lending, start, end, signal),
    failed: failing.signal,
  };
}
