import type { VideoDocument } from "../domain/document.ts";

/** Where the documents are kept. */
export type VideoDocuments = {
  /**
   * Replaces the document of `VideoId` (undefined: there is none yet) by what `fold` makes of it,
   * so that of two concurrent changes none is lost: `fold` may be called again with the result of
   * the other one.
   */
  evolve(
    VideoId: number,
    fold: (document: VideoDocument | undefined) => VideoDocument,
  ): Promise<"changed" | "unchanged">;
};
