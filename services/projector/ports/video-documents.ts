import type { VideoDocument } from "../domain/document.ts";

/** Where the documents are kept. */
export type VideoDocuments = {
  /**
   * Replaces the document of `VideoId` (undefined: there is none yet) by the result of `fold`. If
   * it was changed concurrently, `fold` is called again with the new document, so that no change is
   * lost.
   */
  evolve(
    VideoId: number,
    fold: (document: VideoDocument | undefined) => VideoDocument,
  ): Promise<"changed" | "unchanged">;
};
