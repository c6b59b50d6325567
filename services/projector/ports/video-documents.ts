import type { VideoRecord } from "../domain/document.ts";

/** Where the documents are kept. */
export type VideoDocuments = {
  /**
   * Replaces what is kept of `VideoId` (undefined: nothing yet) by what `fold` makes of it,
   * so that of two concurrent changes none is lost: `fold` may be called again with the result of
   * the other one.
   */
  evolve(VideoId: number, fold: (document: VideoRecord | undefined) => VideoRecord): Promise<"changed" | "unchanged">;
};
