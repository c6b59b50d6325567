import type { VideoDocument } from "./domain/document.ts";

/** Where the documents are kept. */
export type VideoDocuments = {
  /**
   * Replaces the document of `VideoId` (undefined: there is none yet) by what `fold` makes of it, so that of two at the same
   * time none is lost: `fold` may be called again with what the other one left.
   */
  evolve(
    VideoId: number,
    fold: (document: VideoDocument | undefined) => VideoDocument,
  ): Promise<"changed" | "unchanged">;
};

/** What became of an event, in figures. */
export type Measurement =
  /** It's in its document, which needn't have changed. */
  | { type: "projected"; videoId: number }
  /** The document changed `lagSeconds` after the event was announced. */
  | { type: "caught up"; videoId: number; lagSeconds: number };

/** Takes a measurement down. Not called for an attempt that failed: its retry tells what became of the event. */
export type Measure = (measurement: Measurement) => void;

/** Structured log lines. Ids only: never contents, never credentials. */
export type Log = {
  info(message: string, fields?: Record<string, unknown>): void;
  /** A log whose every line carries these fields too. */
  with(fields: Record<string, unknown>): Log;
};
