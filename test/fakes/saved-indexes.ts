import type { SavedIndexes, ScannedSource } from "../../services/split/ports/saved-indexes.ts";

const KEEP_MS = 14 * 86_400_000;

/** Only whole microseconds, as in the adapter. */
const isExact = (seconds: number): boolean => Math.round(seconds * 1e6) / 1e6 === seconds;

/** Saved indexes in memory. */
export function fakeSavedIndexes(): SavedIndexes {
  const saved = new Map<number, { scanned: ScannedSource; expiresAt: number }>();
  return {
    save: async (videoId, scanned, signal) => {
      signal.throwIfAborted();
      if (!scanned.index.times.every(isExact)) return false;
      saved.set(videoId, { scanned, expiresAt: Date.now() + KEEP_MS });
      return true;
    },
    load: async (videoId, signal) => {
      signal.throwIfAborted();
      const found = saved.get(videoId);
      return found !== undefined && found.expiresAt > Date.now() ? found.scanned : undefined;
    },
  };
}
