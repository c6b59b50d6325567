import type { PacketIndex } from "../domain/packet-index.ts";

/** The packets of a source, and whether it ends before what it says it holds. */
export type ScannedSource = { index: PacketIndex; truncated: boolean };

/** Keeps what a reading of a whole source found, so that the next invocation needn't read it again. */
export type SavedIndexes = {
  /**
   * Keeps it for 14 days. Resolves with false when it can't be kept: it's too large, or has times
   * that aren't whole microseconds.
   */
  save(videoId: number, scanned: ScannedSource, signal: AbortSignal): Promise<boolean>;
  /** Undefined when nothing is kept, or not all of it. */
  load(videoId: number, signal: AbortSignal): Promise<ScannedSource | undefined>;
};
