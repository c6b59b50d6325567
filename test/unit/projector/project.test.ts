import { describe, expect, it } from "vitest";
import { segmentIds, type VideoSplitEvent } from "#events-schema";
import type { VideoDocument } from "../../../services/projector/domain/document.ts";
import type { Log, VideoDocuments } from "../../../services/projector/ports.ts";
import { project } from "../../../services/projector/project.ts";
import { announced, UPLOAD, wholeRun } from "./events-of-a-run.ts";

function inMemory(): VideoDocuments & { all: Map<number, VideoDocument> } {
  const all = new Map<number, VideoDocument>();
  return {
    all,
    evolve: async (VideoId, fold) => {
      const before = all.get(VideoId);
      const after = fold(before);
      all.set(VideoId, after);
      return JSON.stringify(before) === JSON.stringify(after) ? "unchanged" : "changed";
    },
  };
}

function recorded(
  fields: Record<string, unknown> = {},
  lines: Record<string, unknown>[] = [],
): Log & { lines: typeof lines } {
  return {
    lines,
    info: (message, more = {}) => void lines.push({ message, ...fields, ...more }),
    with: (more) => recorded({ ...fields, ...more }, lines),
  };
}

describe("projecting an event", () => {
  it("given a whole run, then the upload and each of its segments has a document", async () => {
    const documents = inMemory();
    for (const event of wholeRun()) await project(event, { documents, log: recorded() });
    expect([...documents.all.keys()].sort()).toEqual([UPLOAD, ...segmentIds(UPLOAD, 3)]);
    expect(documents.all.get(UPLOAD)).toMatchObject({ status: "split", sub_videos: segmentIds(UPLOAD, 3) });
  });

  it("given an event, then the outcome is told, and logged with the ids that find it again", async () => {
    const log = recorded();
    const [event] = wholeRun() as [VideoSplitEvent];
    expect(await project(event, { documents: inMemory(), log })).toEqual({ outcome: "changed", VideoId: UPLOAD });
    expect(log.lines).toMatchObject([
      { correlation_id: "run", event_id: event.metadata.eventId, event_type: "SplitPlanned", video_id: UPLOAD },
    ]);
  });

  it("given SplitRequested, then no document is touched and the log says so", async () => {
    const documents = inMemory();
    const log = recorded();
    const event = announced("SplitRequested", 0, { bucket: "uploads", key: "a.mp4", reason: "manual" });
    expect(await project(event, { documents, log })).toEqual({ outcome: "ignored" });
    expect(documents.all.size).toBe(0);
    expect(log.lines).toHaveLength(1);
  });
});
