import { describe, expect, it } from "vitest";
import { segmentIds } from "#events-schema";
import type { VideoDocument, VideoRecord } from "../../../services/projector/domain/document.ts";
import { fold } from "../../../services/projector/domain/fold.ts";
import type { DocumentEvent } from "../../../services/projector/domain/identity.ts";
import { DocumentKindError } from "../../../services/projector/domain/merge.ts";
import {
  announced,
  at,
  PROOF,
  place,
  plannedData,
  posterData,
  rejectedData,
  segmentData,
  splitData,
  UPLOAD,
} from "./events-of-a-run.ts";

const documentAfter = (...events: DocumentEvent[]): VideoDocument =>
  events.reduce<VideoRecord | undefined>(fold, undefined) as VideoDocument;

const reordered = (document: VideoDocument) => Object.fromEntries(Object.entries(document).reverse()) as VideoDocument;

const planned = announced("SplitPlanned", 100, plannedData());
const split = announced("VideoSplit", 500, splitData());
const rejected = announced("VideoRejected", 300, rejectedData());

describe("the document of an upload", () => {
  it("given SplitPlanned, then it is being processed and has the planned fields and no others", () => {
    expect(documentAfter(planned)).toEqual({
      VideoId: UPLOAD,
      process_step: "upload",
      status: "processing",
      creation_time: at(100),
      bucket: "uploads",
      key: "uploads/a b.mp4",
      name: "a b",
      extension: "mp4",
      bytes: 900,
      etag: "e1",
      size: [1920, 1080],
      fps: 29.97,
      duration: 61,
      audio: true,
    });
  });

  it("given VideoSplit after SplitPlanned, then the measured fields have replaced the planned ones and the segments are listed", () => {
    expect(documentAfter(planned, split)).toEqual({
      ...documentAfter(planned),
      status: "split",
      duration: 61.5,
      frames: 1_843,
      proof: PROOF,
      truncated: true,
      last_readable_time: 61.5,
      undecodable: [{ from: 20.02, to: 30.03 }],
      sub_videos: segmentIds(UPLOAD, 3),
    });
  });

  it("given SplitPlanned after VideoSplit, then the measured fields stay", () => {
    expect(documentAfter(split, planned)).toEqual(documentAfter(planned, split));
  });

  it("given a field that only the plan had, then VideoSplit removes it", () => {
    const plannedFromVersion = announced("SplitPlanned", 100, plannedData({ version_id: "v1" }));
    expect(documentAfter(plannedFromVersion)).toHaveProperty("version_id", "v1");
    expect(documentAfter(plannedFromVersion, split)).not.toHaveProperty("version_id");
  });

  it("given VideoRejected alone, then it has the source's fields and the reason, and no picture", () => {
    expect(documentAfter(rejected)).toEqual({
      VideoId: UPLOAD,
      process_step: "upload",
      status: "rejected",
      creation_time: at(300),
      bucket: "uploads",
      key: "uploads/a b.mp4",
      name: "a b",
      extension: "mp4",
      bytes: 900,
      etag: "e1",
      rejection: { reason: "UnreadableMedia", message: "It ends early." },
      rejected_at: at(300),
    });
  });

  it.each([
    ["before", [planned, rejected]],
    ["after", [rejected, planned]],
  ])("given SplitPlanned %s VideoRejected, then the rejected document keeps the planned data", (_, events) => {
    expect(documentAfter(...events)).toEqual({
      ...documentAfter(planned),
      status: "rejected",
      rejection: { reason: "UnreadableMedia", message: "It ends early." },
      rejected_at: at(300),
    });
  });

  it.each([
    ["before", [rejected, split]],
    ["after", [split, rejected]],
  ])("given VideoRejected %s VideoSplit, then success replaces the rejection", (_, events) => {
    expect(documentAfter(...events)).toEqual({ ...documentAfter(split), creation_time: at(300) });
  });

  it("given events out of order, then creation_time is the earliest occurredAt", () => {
    expect(documentAfter(split, rejected, planned).creation_time).toBe(at(100));
  });

  it("given times of different precision, then they are compared as times", () => {
    const written = (occurredAt: string): DocumentEvent => ({
      ...planned,
      metadata: { ...planned.metadata, occurredAt },
    });
    const events = [written("2026-11-23T12:00:00.5Z"), written("2026-11-23T12:00:00Z")];
    expect(documentAfter(...events).creation_time).toBe("2026-11-23T12:00:00.000Z");
    expect(documentAfter(...events.reverse()).creation_time).toBe("2026-11-23T12:00:00.000Z");
  });

  it("given two VideoSplit that contradict each other, then one of them is kept whole, in any order", () => {
    const other = announced("VideoSplit", 600, splitData({ duration: 60, frames: 9, segment_count: 2 }));
    const either = documentAfter(split, other);
    expect(documentAfter(other, split)).toEqual(either);
    expect(
      [documentAfter(split), documentAfter(other)].map((document) => ({ ...document, creation_time: at(500) })),
    ).toContainEqual(either);
  });

  it("given a document whose fields come in another order, as from a table, then nothing is decided by that", () => {
    const reordered = (document: VideoDocument) =>
      Object.fromEntries(Object.entries(document).reverse()) as VideoDocument;
    const other = announced("VideoSplit", 500, splitData({ duration: 60 }));
    expect(fold(reordered(documentAfter(split)), other)).toEqual(documentAfter(split, other));
    expect(fold(reordered(documentAfter(other)), split)).toEqual(documentAfter(split, other));
  });

  const rejection = (ms: number, reason: string, message = "", bytes = 900) =>
    announced("VideoRejected", ms, rejectedData({ bytes, rejection: { reason, message } }));

  it.each([
    ["GivenUp, which found nothing out", "GivenUp", "SourceNotFound"],
    ["GivenUp, also for a reason that a later release added", "GivenUp", "AReasonOfTomorrow"],
    ["what was wrong with the request, for what is wrong with the object", "InvalidRequest", "SourceForbidden"],
    ["what was wrong with an override, for what is wrong with the file", "InvalidOverride", "NotMedia"],
    ["what was found in the header, for what was found in the frames", "NotMedia", "UnreadableMedia"],
    ["a failed reading, for a failed cut", "UnreadableMedia", "ProofFailed"],
  ])("given two rejections, then it drops %s", (_, first, later) => {
    for (const [one, other] of [
      [100, 200],
      [200, 100],
    ] as const) {
      const events = [rejection(one, first), rejection(other, later)];
      expect(documentAfter(...events)).toMatchObject({ rejection: { reason: later }, rejected_at: at(other) });
      expect(documentAfter(...events.reverse())).toEqual(documentAfter(...events));
    }
  });

  it("given two rejections for one reason, then the words of the first stay", () => {
    const events = [rejection(100, "TooLarge", "The limit is 9."), rejection(200, "TooLarge", "The limit is 10.")];
    const document = documentAfter(...events);
    expect(document).toMatchObject({ rejection: { message: "The limit is 9." }, rejected_at: at(100) });
    expect(documentAfter(...events.reverse())).toEqual(document);
  });

  it("given a rejection that didn't see the object, and one that did, then the fields of the latter stay", () => {
    const events = [rejection(100, "SourceForbidden", "", 0), rejection(200, "NotMedia", "", 900)];
    expect(documentAfter(...events)).toMatchObject({ bytes: 900 });
    expect(documentAfter(...events.reverse())).toMatchObject({ bytes: 900 });
  });
});

describe("the document of a segment", () => {
  const first = announced("SegmentCreated", 200, segmentData(1));

  it("given SegmentCreated, then it has the contract's fields and no others", () => {
    expect(documentAfter(first)).toEqual({
      VideoId: UPLOAD + 2,
      process_step: "timesplit",
      creation_time: at(200),
      parent_video: UPLOAD,
      segment_index: 1,
      bucket: "segments",
      ...place(UPLOAD, 1),
      extension: "mp4",
      bytes: 301,
      checksum: `sha256:${"0".repeat(64)}`,
      size: [1920, 1080],
      fps: 29.97,
      duration: 30,
      audio: true,
      start: 30,
      end: 60,
      frames: 900,
      made: "stitched",
      audio_made: "copied",
    });
  });

  it("given it is announced again later with other bytes, then the first announcement is kept whole", () => {
    const again = announced(
      "SegmentCreated",
      900,
      segmentData(1, { bytes: 1, checksum: `sha256:${"f".repeat(64)}`, frames: 1 }),
    );
    expect(documentAfter(first, again)).toEqual(documentAfter(first));
    expect(documentAfter(again, first)).toEqual(documentAfter(first));
  });

  it("given two announcements at the same time, then the same one is kept in any order", () => {
    const other = announced("SegmentCreated", 200, segmentData(1, { bytes: 1, frames: 950 }));
    expect(documentAfter(first, other)).toEqual(documentAfter(other, first));
  });

  it("given a document whose fields come in another order, as from a table, then nothing is decided by that", () => {
    const other = announced("SegmentCreated", 200, segmentData(1, { frames: 950 }));
    expect(fold(reordered(documentAfter(first)), other)).toEqual(documentAfter(first, other));
    expect(fold(reordered(documentAfter(other)), first)).toEqual(documentAfter(first, other));
  });

  it("given PosterCreated, before or after, then it has the poster too, and else it stays the same", () => {
    const { bucket, key, size, VideoId } = posterData(1);
    const poster = announced("PosterCreated", 100, posterData(1));
    const both = { ...documentAfter(first), poster: { bucket, key, size } };
    expect(documentAfter(first, poster)).toEqual(both);
    expect(documentAfter(poster, first, poster)).toEqual(both);
    expect(fold(undefined, poster)).toEqual({ VideoId, poster: { bucket, key, size } });
    expect(() => fold(documentAfter(planned), poster)).toThrow(DocumentKindError);
  });

  it("given an upload's document under its id, then it throws instead of overwriting", () => {
    expect(() => fold(documentAfter(planned), first)).toThrow(DocumentKindError);
    expect(() => fold(documentAfter(first), planned)).toThrow(DocumentKindError);
  });
});
