import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import { sha256 } from "../../../services/aws/ledger.ts";
import { checkedDocumentId } from "../../../services/projector/domain/consistency.ts";
import type { DocumentEvent } from "../../../services/projector/domain/identity.ts";
import type { ListedUpload } from "../../../services/reconciler/ports/uploads.ts";
import { type ReconcilerDependencies, reconcile } from "../../../services/reconciler/reconcile.ts";
import { SourceUnavailableError } from "../../../services/video/errors.ts";
import { blockStart } from "../../../services/video/ids.ts";
import { segmentMetadata } from "../../../services/video/own-segments.ts";
import type { Log } from "../../../services/video/ports/log.ts";
import { sourceIdentity } from "../../../services/video/source.ts";
import { NEVER } from "../../fixtures/cut.ts";

const HOUR = 3_600;
const silent: Log = { info: () => {}, warn: () => {}, with: () => silent };

const upload = (key: string, hour: number, versionId?: string): ListedUpload => ({
  source: { bucket: "uploads", key, etag: `e-${key}`, versionId },
  bytes: 7,
  uploadedAt: hour * HOUR,
});

type World = {
  objects: ListedUpload[];
  /** User metadata by key. */
  metadata: Record<string, Record<string, string>>;
  /** Keys that are listed and gone. */
  gone: string[];
  /** Keys that came to an end. */
  ended: string[];
  /** What S3 answers for keys that can't be described. */
  failing: Record<string, Error>;
  /** Takes as long as looking up whether an upload has ended does. */
  onLookUp: () => Promise<void>;
};

/** The reconciler beside a bucket and a ledger in memory; `at` runs it at an hour. Its first run ever is at hour 0. */
async function open(changes: Partial<World> = {}) {
  const world: World = {
    objects: [],
    metadata: {},
    gone: [],
    ended: [],
    failing: {},
    onLookUp: async () => {},
    ...changes,
  };
  const events: VideoSplitEvent[] = [];
  const counts = new Map<string, { requests: number; lastRequestAt: number | undefined }>();
  const endings: [number, string][] = [];
  let hour = 0;
  let since: number | undefined;
  const none = { requests: 0, lastRequestAt: undefined };
  const dependencies: ReconcilerDependencies = {
    uploads: {
      async *list() {
        yield world.objects;
      },
    },
    store: {
      describe: async (_bucket, key) => {
        if (world.failing[key] !== undefined) throw world.failing[key];
        const found = world.objects.find(({ source }) => source.key === key && !world.gone.includes(key));
        return found && { source: found.source, bytes: found.bytes, metadata: world.metadata[key] ?? {} };
      },
    },
    ledger: {
      beginning: async (now) => {
        since ??= now;
        return since;
      },
      hasEnded: async (identity) => {
        await world.onLookUp();
        const ended = world.objects.filter(({ source }) => world.ended.includes(source.key));
        return endings.length > 0 || ended.some(({ source }) => sourceIdentity(source) === identity);
      },
      requestsFor: async (identity) => counts.get(identity) ?? none,
      countRequest: async (identity, request, now) => {
        counts.set(identity, { requests: request, lastRequestAt: now });
      },
      claimBlock: async (identity) => blockStart(identity, 0, sha256),
      recordEnding: async (videoId, ending) => void endings.push([videoId, ending]),
    },
    publisher: { publish: async (event) => void events.push(event) },
    log: silent,
    hash: sha256,
    now: () => hour * HOUR,
    settings: { bucket: "uploads", keyPrefix: "uploads/", endings: ["mp4", "MP4"], graceSeconds: HOUR },
  };
  const at = (now: number, signal = NEVER) => {
    hour = now;
    return reconcile(dependencies, signal);
  };
  await at(0);
  return { at, events, endings, types: () => events.map(({ type }) => type) };
}

describe("looking for uploads without an end", () => {
  it("asks for one again after the grace, then after twice and four times that, and then gives it up for good", async () => {
    const { at, events, endings, types } = await open({ objects: [upload("uploads/a.mp4", 1, "v1")] });
    expect(await at(1.9)).toMatchObject({ seen: 0 });
    const VideoId = blockStart(sourceIdentity(upload("uploads/a.mp4", 1, "v1").source), 0, sha256);
    const hours = [2, 3, 4, 7.9, 8, 15.9, 16, 17, 30];
    const runs: { requested: number; givenUp: number }[] = [];
    for (const hour of hours) runs.push(await at(hour));
    expect(runs.map(({ requested, givenUp }) => requested + 10 * givenUp)).toEqual([1, 0, 1, 0, 1, 0, 10, 0, 0]);
    expect(types()).toEqual(["SplitRequested", "SplitRequested", "SplitRequested", "VideoRejected"]);
    expect(new Set(events.map(({ metadata }) => metadata.eventId)).size).toBe(4);
    expect(events[0]?.data).toEqual({ bucket: "uploads", key: "uploads/a.mp4", version_id: "v1", reason: "redrive" });
    expect(events[3]?.data).toMatchObject({
      VideoId,
      key: "uploads/a.mp4",
      version_id: "v1",
      bytes: 7,
      rejection: { reason: "GivenUp", message: expect.stringContaining("npm run dead-letters") },
    });
    expect(endings).toEqual([[VideoId, "given up"]]);
    const givenUp = events[3] as DocumentEvent;
    const metadata = { ...givenUp.metadata, occurredAt: "2026-11-23T00:00:00Z" };
    expect(checkedDocumentId({ ...givenUp, metadata }, sha256, new Date("2026-11-23T00:00:00Z"))).toBe(VideoId);
  });

  it("leaves alone what came to its end", async () => {
    const { at, events } = await open({ objects: [upload("uploads/a.mp4", 1)], ended: ["uploads/a.mp4"] });
    expect(await at(9)).toEqual({ seen: 1, unfinished: 0, requested: 0, givenUp: 0, complete: true });
    expect(events).toEqual([]);
  });

  it.each([
    ["was there before this service was", { objects: [upload("uploads/a.mp4", -1)] }, 9],
    ["is weeks old", { objects: [upload("uploads/a.mp4", 1)] }, 24 * 15],
    ["starts nothing by its ending", { objects: [upload("uploads/a.mP4", 1), upload("uploads/b.txt", 1)] }, 9],
    [
      "is a segment of this service's own",
      { objects: [upload("uploads/a.mp4", 1)], metadata: { "uploads/a.mp4": segmentMetadata(16_384, 0, 7, sha256) } },
      9,
    ],
    ["is gone", { objects: [upload("uploads/a.mp4", 1)], gone: ["uploads/a.mp4"] }, 9],
  ])("leaves alone what %s", async (_what, world, hour) => {
    const { at, events } = await open(world);
    await at(hour);
    expect(events).toEqual([]);
  });

  it("asks for one whose uploader gave it a segment's metadata", async () => {
    const metadata = { "uploads/a.mp4": { "video-split-parent": "16384", "video-split-segment-index": "0" } };
    const { at, types } = await open({ objects: [upload("uploads/a.mp4", 1)], metadata });
    await at(9);
    expect(types()).toEqual(["SplitRequested"]);
  });

  it("looks after the others where one can't be looked up, and then fails", async () => {
    const objects = [upload("uploads/a.mp4", 1), upload("uploads/b.mp4", 1)];
    const { at, events } = await open({ objects, failing: { "uploads/a.mp4": new Error("throttled") } });
    await expect(at(9)).rejects.toThrow("1 uploads couldn't be looked after");
    expect(events.map(({ data }) => "key" in data && data.key)).toEqual(["uploads/b.mp4"]);
  });

  it.each(["SourceForbidden", "SourceKeyRequired", "SourceInOtherRegion"] as const)(
    "requests one that can't be read (%s): the split service rejects it",
    async (reason) => {
      const failing = { "uploads/a.mp4": new SourceUnavailableError(reason, "S3 refuses it.") };
      const { at, types } = await open({ objects: [upload("uploads/a.mp4", 1)], failing });
      await at(9);
      expect(types()).toEqual(["SplitRequested"]);
    },
  );

  it("says that it didn't get to the end when its time is up", async () => {
    const { at, events } = await open({ objects: [upload("uploads/a.mp4", 1)] });
    expect(await at(9, AbortSignal.abort(new Error("time is up")))).toMatchObject({ complete: false });
    expect(events).toEqual([]);
  });

  it("waits for the look-ups that are under way when its time is up, and announces nothing more", async () => {
    const leaving = new AbortController();
    let underWay = 0;
    const objects = Array.from({ length: 30 }, (_, n) => upload(`uploads/${n}.mp4`, 1));
    const { at, events } = await open({
      objects,
      onLookUp: async () => {
        underWay += 1;
        if (underWay === 3) leaving.abort(new Error("time is up"));
        for (let turns = 0; turns < 5; turns += 1) await setImmediate();
        underWay -= 1;
      },
    });
    expect(await at(9, leaving.signal)).toMatchObject({ complete: false });
    expect(underWay).toBe(0);
    expect(events).toEqual([]);
  });
});
