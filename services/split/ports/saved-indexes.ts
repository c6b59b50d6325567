import type { PacketIndex } from "../domain/packet-index.ts";

/** The packets of a source, and whether it's shorter than its header says. */
export type ScannedSource = { index: PacketIndex; truncated: boolean };

/** Keeps the index of a source, so that the next invocation needn't read the whole source again. */
export type SavedIndexes = {
  /**
   * Keeps it for 14 days. Resolves with false when it can't be kept: it's too large, or has times
   * that aren't whole microseconds.
   */
  save(videoId: number, scanned: ScannedSource, signal: AbortSignal): Promise<boolean>;
  /** Undefined when no index is kept, or not all of it. */
  load(videoId: number, signal: AbortSignal): Promise<ScannedSource | undefined>;
};
