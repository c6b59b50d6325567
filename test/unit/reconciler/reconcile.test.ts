import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { checkedDocumentId } from "../../../services/projector/domain/consistency.ts";
import type { DocumentEvent } from "../../../services/projector/domain/identity.ts";
import { type ReconcilerDependencies, reconcile } from "../../../services/reconciler/reconcile.ts";
import { SourceUnavailableError } from "../../../services/video/errors.ts";
import { blockStart } from "../../../services/video/ids.ts";
import { segmentMetadata } from "../../../services/video/own-segments.ts";
import { type Source, sourceIdentity } from "../../../services/video/source.ts";
import { fakePublisher } from "../../fakes/event-publisher.ts";
import { fakeLedger, sha256 } from "../../fakes/ledger.ts";
import { fakeMediaStore } from "../../fakes/media-store.ts";
import { NEVER, quietLog } from "../../fixtures/quiet.ts";

const HOUR = 3_600;
const BUCKET = "uploads";

type Upload = { key: string; uploadedAt: number };
const upload = (key: string, hour: number): Upload => ({ key, uploadedAt: hour * HOUR });

type World = {
  isVersioned: boolean;
  objects: Upload[];
  /** User metadata by key. */
  metadata: Record<string, Record<string, string>>;
  /** Keys that are deleted once they are listed. */
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
  const calm = { isVersioned: false, objects: [], metadata: {}, gone: [], ended: [], failing: {} };
  const world: World = { ...calm, onLookUp: async () => {}, ...changes };
  const { store, uploads, put, remove } = fakeMediaStore(world);
  const ledger = fakeLedger();
  const publisher = fakePublisher();
  const { events } = publisher;
  const endings: [number, string][] = [];
  const sources = new Map<string, Source>();
  for (const { key, uploadedAt } of world.objects) {
    const source = put(BUCKET, key, Buffer.from("7 bytes"), { uploadedAt, metadata: world.metadata[key] ?? {} });
    sources.set(key, source);
    if (world.ended.includes(key)) await ledger.recordEnding(await ledger.claimBlock(sourceIdentity(source)), "split");
  }
  let hour = 0;
  const dependencies: ReconcilerDependencies = {
    uploads: {
      async *list(bucket, prefix, signal) {
        for await (const page of uploads.list(bucket, prefix, signal)) {
          for (const key of world.gone) remove(bucket, key);
          yield page;
        }
      },
    },
    store: {
      describe: async (bucket, key, versionId, signal) => {
        if (world.failing[key] !== undefined) throw world.failing[key];
        return store.describe(bucket, key, versionId, signal);
      },
    },
    ledger: {
      ...ledger,
      hasEnded: async (identity) => {
        await world.onLookUp();
        return ledger.hasEnded(identity);
      },
      recordEnding: async (videoId, ending) => {
        await ledger.recordEnding(videoId, ending);
        endings.push([videoId, ending]);
      },
    },
    publisher,
    log: quietLog,
    hash: sha256,
    now: () => hour * HOUR,
    settings: { bucket: BUCKET, keyPrefix: "uploads/", acceptedExtensions: ["mp4"], graceSeconds: HOUR },
  };
  const at = (now: number, signal = NEVER) => {
    hour = now;
    return reconcile(dependencies, signal);
  };
  await at(0);
  return { at, events, endings, sources, types: () => events.map(({ type }) => type) };
}

describe("looking for uploads without an end", () => {
  it("asks for one again after the grace, then after twice and four times that, and then gives it up for good", async () => {
    const { at, events, endings, sources, types } = await open({
      objects: [upload("uploads/a.mp4", 1)],
      isVersioned: true,
    });
    const source = sources.get("uploads/a.mp4") as Source;
    const VideoId = blockStart(sourceIdentity(source), 0, sha256);
    const version_id = source.versionId;
    expect(await at(1.9)).toMatchObject({ seen: 0 });
    const hours = [2, 3, 4, 7.9, 8, 15.9, 16, 17, 30];
    const runs: { requested: number; givenUp: number }[] = [];
    for (const hour of hours) runs.push(await at(hour));
    expect(runs.map(({ requested, givenUp }) => requested + 10 * givenUp)).toEqual([1, 0, 1, 0, 1, 0, 10, 0, 0]);
    expect(types()).toEqual(["SplitRequested", "SplitRequested", "SplitRequested", "VideoRejected"]);
    expect(new Set(events.map(({ metadata }) => metadata.eventId)).size).toBe(4);
    expect(events[0]?.data).toEqual({ bucket: "uploads", key: "uploads/a.mp4", version_id, reason: "redrive" });
    expect(events[3]?.data).toMatchObject({
      VideoId,
      key: "uploads/a.mp4",
      version_id,
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
    ["starts nothing by its ending", { objects: [upload("uploads/b.txt", 1), upload("uploads/mp4", 1)] }, 9],
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

  it.each([
    ["SourceForbidden", ["SplitRequested"]],
    ["SourceChanged", ["SplitRequested"]],
    ["SourceKeyRequired", ["SplitRequested"]],
    ["SourceInOtherRegion", ["SplitRequested"]],
    ["SourceNotFound", []],
  ] as const)(
    "asks for one that can't be read unless it's gone: the split service rejects it (%s)",
    async (reason, types) => {
      const failing = { "uploads/a.mp4": new SourceUnavailableError(reason, "It can't be read.") };
      const opened = await open({ objects: [upload("uploads/a.mp4", 1)], failing });
      await opened.at(9);
      expect(opened.types()).toEqual(types);
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
    const objects = Array.from({ length: 6 }, (_, n) => upload(`uploads/${n}.mp4`, 1));
    const { at, events } = await open({
      objects,
      onLookUp: async () => {
        underWay += 1;
        if (underWay === 2) leaving.abort(new Error("time is up"));
        for (let turns = 0; turns < 5; turns += 1) await setImmediate();
        underWay -= 1;
      },
    });
    expect(await at(9, leaving.signal)).toMatchObject({ complete: false });
    expect(underWay).toBe(0);
    expect(events).toEqual([]);
  });
});
