import { describe, expect, it } from "vitest";
import { MAX_SEGMENTS, segmentIds } from "#events-schema";
import type { SplitUpload, VideoDocument, VideoRecord } from "../../services/projector/domain/document.ts";
import { fold } from "../../services/projector/domain/fold.ts";
import { type DocumentEvent, documentId } from "../../services/projector/domain/identity.ts";
import type { VideoDocuments } from "../../services/projector/ports/video-documents.ts";
import {
  announced,
  at,
  plannedData,
  posterData,
  rejectedData,
  segmentData,
  splitData,
  UPLOAD,
} from "../unit/projector/events-of-a-run.ts";

/** Empty documents of the contract's own, and what is read of them. */
export type OpenDocuments = () => Promise<
  VideoDocuments & { get(VideoId: number): Promise<VideoDocument | undefined> }
>;

const planned = announced("SplitPlanned", 100, plannedData());
const rejected = announced("VideoRejected", 200, rejectedData());
const split = announced("VideoSplit", 300, splitData());
const segment = announced("SegmentCreated", 250, segmentData(0));

const project = (documents: VideoDocuments, event: DocumentEvent) =>
  documents.evolve(documentId(event), (document) => fold(document, event));

/** Counting isn't idempotent, so one lost update is one too few. */
const countOneFrame = (document: VideoRecord | undefined): VideoRecord => ({
  ...(document as SplitUpload),
  frames: (document as SplitUpload).frames + 1,
});

/** The contract of the port, for each implementation of it. */
export function videoDocumentsContract(name: string, open: OpenDocuments): void {
  describe(`video documents: ${name}`, () => {
    it("given no document, then it is kept as it was folded", async () => {
      const documents = await open();
      expect(await documents.get(UPLOAD)).toBeUndefined();
      expect(await project(documents, planned)).toBe("changed");
      expect(await documents.get(UPLOAD)).toEqual(fold(undefined, planned));
    });

    it("given an event again, then nothing changes", async () => {
      const documents = await open();
      await project(documents, planned);
      expect(await project(documents, planned)).toBe("unchanged");
      expect(await documents.get(UPLOAD)).toEqual(fold(undefined, planned));
    });

    it("given a document, then the next event is folded into it", async () => {
      const documents = await open();
      for (const event of [rejected, planned, split]) await project(documents, event);
      expect(await documents.get(UPLOAD)).toEqual([rejected, planned, split].reduce(fold, undefined as never));
    });

    it("given an upload and its segment, then each has a document", async () => {
      const documents = await open();
      for (const event of [split, segment]) await project(documents, event);
      expect(await documents.get(UPLOAD)).toEqual(fold(undefined, split));
      expect(await documents.get(documentId(segment))).toEqual(fold(undefined, segment));
    });

    it("given a poster before its segment, then there is no document yet, and later one with both", async () => {
      const documents = await open();
      const poster = announced("PosterCreated", 260, posterData(0));
      expect(await project(documents, poster)).toBe("changed");
      expect(await documents.get(documentId(segment))).toBeUndefined();
      expect(await project(documents, poster)).toBe("unchanged");
      await project(documents, segment);
      expect(await documents.get(documentId(segment))).toEqual(fold(fold(undefined, segment), poster));
    });

    it("given the most segments that a video can have, then all of their ids are kept, and it can still change", async () => {
      const documents = await open();
      await project(documents, announced("VideoSplit", 300, splitData({ segment_count: MAX_SEGMENTS })));
      expect(await project(documents, planned)).toBe("changed");
      const kept = await documents.get(UPLOAD);
      expect(kept).toMatchObject({ creation_time: at(100), sub_videos: segmentIds(UPLOAD, MAX_SEGMENTS) });
    });

    it("given a fold that throws, then throws that, and nothing changes", async () => {
      const documents = await open();
      await project(documents, planned);
      const evolving = documents.evolve(UPLOAD, () => {
        throw new Error("not of this kind");
      });
      await expect(evolving).rejects.toThrow("not of this kind");
      expect(await documents.get(UPLOAD)).toEqual(fold(undefined, planned));
    });

    it("given a document that is changed after it was read, then the one that is kept doesn't change", async () => {
      const documents = await open();
      await project(documents, planned);
      const read = (await documents.get(UPLOAD)) as { bytes: number };
      read.bytes = 0;
      expect(await documents.get(UPLOAD)).toEqual(fold(undefined, planned));
    });

    it("given 12 writers of one document, then no update is lost", async () => {
      const documents = await open();
      await project(documents, split);
      await Promise.all(Array.from({ length: 12 }, () => documents.evolve(UPLOAD, countOneFrame)));
      expect(await documents.get(UPLOAD)).toHaveProperty("frames", splitData().frames + 12);
    });

    it("given every event of a run concurrently, then the document is the one of the ordered run", async () => {
      const documents = await open();
      const events = [split, rejected, planned, announced("SplitPlanned", 50, plannedData()), split];
      await Promise.all(events.map((event) => project(documents, event)));
      expect(await documents.get(UPLOAD)).toEqual({ ...fold(undefined, split), creation_time: at(50) });
    });
  });
}
