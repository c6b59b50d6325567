import { describe, expect, it } from "vitest";
import { segmentIds, type VideoSplitEvent } from "#events-schema";
import type { Measurement } from "../../../services/projector/ports/measure.ts";
import type { VideoDocuments } from "../../../services/projector/ports/video-documents.ts";
import { type ProjectorDependencies, project } from "../../../services/projector/project.ts";
import { sha256 } from "../../fakes/ledger.ts";
import { fakeLog } from "../../fakes/log.ts";
import { fakeVideoDocuments } from "../../fakes/video-documents.ts";
import { announced, at, RUN, UPLOAD, wholeRun } from "./events-of-a-run.ts";

/** A projector with these parts, at `ms` after the run began. */
function projector(parts: Partial<ProjectorDependencies> = {}, ms = 0) {
  const measurements: Measurement[] = [];
  const dependencies: ProjectorDependencies = {
    documents: fakeVideoDocuments(),
    log: fakeLog(),
    measure: (measurement) => void measurements.push(measurement),
    hash: sha256,
    now: () => new Date(at(ms)),
    ...parts,
  };
  return { measurements, project: (event: VideoSplitEvent) => project(event, dependencies) };
}

describe("projecting an event", () => {
  it("given a whole run, then the upload and each of its segments has a document", async () => {
    const documents = fakeVideoDocuments();
    const { project } = projector({ documents });
    for (const event of wholeRun()) await project(event);
    expect([...documents.all.keys()].sort()).toEqual([UPLOAD, ...segmentIds(UPLOAD, 3)]);
    expect(documents.all.get(UPLOAD)).toMatchObject({ status: "split", sub_videos: segmentIds(UPLOAD, 3) });
  });

  it("given an event, then the outcome is returned, and logged with its ids", async () => {
    const log = fakeLog();
    const [event] = wholeRun() as [VideoSplitEvent];
    expect(await projector({ log }).project(event)).toEqual({ outcome: "changed", VideoId: UPLOAD });
    expect(log.lines).toMatchObject([
      { correlation_id: RUN, event_id: event.metadata.eventId, event_type: "SplitPlanned", video_id: UPLOAD },
    ]);
  });

  it("given SplitRequested, then no document is touched and the log says so", async () => {
    const documents = fakeVideoDocuments();
    const log = fakeLog();
    const event = announced("SplitRequested", 0, { bucket: "uploads", key: "a.mp4", reason: "manual" });
    const { project, measurements } = projector({ documents, log });
    expect(await project(event)).toEqual({ outcome: "ignored" });
    expect(documents.all.size).toBe(0);
    expect(log.lines).toHaveLength(1);
    expect(measurements).toEqual([]);
  });
});

describe("how late a document is", () => {
  const HOUR_MS = 3_600_000;
  const [planned] = wholeRun() as [VideoSplitEvent];
  const PLANNED_MS = 100;

  it("given an event that changes it, then is the time since its announcement", async () => {
    const { project, measurements } = projector({}, PLANNED_MS + 250);
    await project(planned);
    expect(measurements).toEqual([{ type: "caught up", videoId: UPLOAD, lagSeconds: 0.25 }]);
  });

  it("given a clock that is behind the announcer's, then is no time", async () => {
    const { project, measurements } = projector({}, PLANNED_MS - 50);
    await project(planned);
    expect(measurements).toEqual([{ type: "caught up", videoId: UPLOAD, lagSeconds: 0 }]);
  });

  it("given an event again, then isn't measured, though the event is", async () => {
    const { project, measurements } = projector({}, PLANNED_MS);
    await project(planned);
    await project(planned);
    expect(measurements.slice(1)).toEqual([{ type: "projected", videoId: UPLOAD }]);
  });

  it.each([
    ["as old as retries can make it", "caught up", 30 * HOUR_MS],
    ["older, as a replay's is", "projected", 30 * HOUR_MS + 1],
  ])("given an event that is %s, then it is measured as %s", async (_how, type, age) => {
    const { project, measurements } = projector({}, PLANNED_MS + age);
    await project(planned);
    expect(measurements).toMatchObject([{ type }]);
  });

  it("given a table that fails, then nothing is measured: the event comes again", async () => {
    const documents: VideoDocuments = { evolve: () => Promise.reject(new Error("DynamoDB is down")) };
    const { project, measurements } = projector({ documents });
    await expect(project(planned)).rejects.toThrow("DynamoDB is down");
    expect(measurements).toEqual([]);
  });
});
