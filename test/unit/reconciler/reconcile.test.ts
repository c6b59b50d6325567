import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { checkedDocumentId } from "../../../services/projector/domain/consistency.ts";
import type { DocumentEvent } from "../../../services/projector/domain/identity.ts";
import { SourceUnavailableError } from "../../../services/video/errors.ts";
import { blockStart } from "../../../services/video/ids.ts";
import { segmentMetadata } from "../../../services/video/own-segments.ts";
import { type Source, sourceIdentity } from "../../../services/video/source.ts";
import { sha256 } from "../../fakes/ledger.ts";
import { HOUR, openReconciler, type ReconcilerSetup, type Upload } from "./reconciler-setup.ts";

const upload = (key: string, hour: number): Upload => ({ key, uploadedAt: hour * HOUR });

const NOTHING = {
  outcome: "reconciled",
  seen: 1,
  lookedUp: 0,
  unfinished: 0,
  requested: 0,
  givenUp: 0,
  complete: true,
  deadLetters: { cleared: 0, failures: 0 },
};

describe("looking for uploads that did not finish", () => {
  it("requests one after the grace and again later, and then rejects it", async () => {
    const { at, events, endings, sources, types } = await openReconciler({
      objects: [upload("uploads/a.mp4", 1)],
      isVersioned: true,
    });
    const source = sources.get("uploads/a.mp4") as Source;
    const VideoId = blockStart(sourceIdentity(source), 0, sha256);
    const version_id = source.versionId;
    expect(await at(1.9)).toEqual(NOTHING);
    expect(await at(2)).toEqual({ ...NOTHING, lookedUp: 1, unfinished: 1, requested: 1 });
    for (const hour of [2.25, 3, 8.9]) expect(await at(hour)).toEqual(NOTHING);
    expect(await at(9)).toMatchObject({ lookedUp: 1, requested: 1 });
    for (const hour of [9.25, 15, 21.9]) expect(await at(hour)).toEqual(NOTHING);
    expect(await at(22)).toMatchObject({ lookedUp: 1, unfinished: 1, requested: 0, givenUp: 1 });
    for (const hour of [176, 190]) expect(await at(hour)).toEqual({ ...NOTHING, lookedUp: 1 });
    for (const hour of [200, 900]) expect(await at(hour)).toEqual(NOTHING);
    expect(types()).toEqual(["SplitRequested", "SplitRequested", "VideoRejected"]);
    expect(new Set(events.map(({ metadata }) => metadata.eventId)).size).toBe(3);
    expect(events[0]?.data).toEqual({ bucket: "uploads", key: "uploads/a.mp4", version_id, reason: "redrive" });
    expect(events[2]?.data).toMatchObject({
      VideoId,
      key: "uploads/a.mp4",
      version_id,
      bytes: 7,
      rejection: { reason: "GivenUp", message: expect.stringContaining("requested again 2 times") },
    });
    expect(endings).toEqual([[VideoId, "given up"]]);
    const givenUp = events[2] as DocumentEvent;
    const metadata = { ...givenUp.metadata, occurredAt: "2026-11-23T00:00:00Z" };
    expect(checkedDocumentId({ ...givenUp, metadata }, sha256, new Date("2026-11-23T00:00:00Z"))).toBe(VideoId);
  });

  it("doesn't request an upload whose event may still wait for the split function", async () => {
    const { at, types } = await openReconciler({ objects: [upload("uploads/a.mp4", 1)], unseen: ["uploads/a.mp4"] });
    for (const hour of [2, 4, 7]) expect(await at(hour)).toMatchObject({ requested: 0 });
    expect(await at(9)).toMatchObject({ unfinished: 1, requested: 1 });
    expect(await at(22)).toMatchObject({ unfinished: 1, givenUp: 1 });
    expect(types()).toEqual(["SplitRequested", "VideoRejected"]);
  });

  it("requests after the grace what was uploaded before S3 sends events, in the stage's first half hour", async () => {
    const objects = [upload("uploads/a.mp4", 5.4), upload("uploads/b.mp4", 5.6)];
    const { at, events } = await openReconciler({ objects, deployedAt: 5, unseen: objects.map(({ key }) => key) });
    expect(await at(6.6)).toMatchObject({ lookedUp: 2, requested: 1 });
    expect(events.map(({ data }) => "key" in data && data.key)).toEqual(["uploads/a.mp4"]);
  });

  it("does nothing for a split upload", async () => {
    const { at, events } = await openReconciler({ objects: [upload("uploads/a.mp4", 1)], isSplit: () => true });
    expect(await at(9)).toEqual({ ...NOTHING, lookedUp: 1 });
    expect(events).toEqual([]);
  });

  it("finds what was uploaded to the stage's own bucket before the first run, however long before", async () => {
    const { at, types } = await openReconciler({ objects: [upload("uploads/a.mp4", -48)], deployedAt: -1 });
    expect(await at(0)).toMatchObject({ requested: 1 });
    expect(types()).toEqual(["SplitRequested"]);
  });

  it("finds what was uploaded to an attached bucket since the deployment, and nothing from before", async () => {
    const objects = [upload("uploads/before.mp4", -3), upload("uploads/since.mp4", -2)];
    const { at, events } = await openReconciler({ objects, deployedAt: -2, settings: { isAttached: true } });
    expect(await at(0)).toMatchObject({ seen: 2, lookedUp: 1, requested: 1 });
    expect(events.map(({ data }) => "key" in data && data.key)).toEqual(["uploads/since.mp4"]);
  });

  it.each<[string, Partial<ReconcilerSetup>, number]>([
    ["is older than the last look-up by two weeks", { objects: [upload("uploads/a.mp4", 1)] }, 1 + 189 + 14 * 24 + 1],
    ["starts nothing by its extension", { objects: [upload("uploads/b.txt", 1), upload("uploads/mp4", 1)] }, 9],
    [
      "is a segment of this service's own",
      { objects: [upload("uploads/a.mp4", 1)], metadata: { "uploads/a.mp4": segmentMetadata(16_384, 0, 7, sha256) } },
      9,
    ],
    ["is gone", { objects: [upload("uploads/a.mp4", 1)], gone: ["uploads/a.mp4"] }, 9],
  ])("leaves alone what %s", async (_what, setup, hour) => {
    const { at, events } = await openReconciler(setup);
    await at(hour);
    expect(events).toEqual([]);
  });

  it("requests one whose uploader gave it a segment's metadata", async () => {
    const metadata = { "uploads/a.mp4": { "video-split-parent": "16384", "video-split-segment-index": "0" } };
    const { at, types } = await openReconciler({ objects: [upload("uploads/a.mp4", 1)], metadata });
    await at(9);
    expect(types()).toEqual(["SplitRequested"]);
  });

  it.each([
    ["SourceForbidden", ["SplitRequested"]],
    ["SourceChanged", ["SplitRequested"]],
    ["SourceKeyRequired", ["SplitRequested"]],
    ["SourceInOtherRegion", ["SplitRequested"]],
    ["SourceNotFound", []],
  ] as const)(
    "requests one that can't be read unless it's deleted: the split service rejects it (%s)",
    async (reason, types) => {
      const failing = { "uploads/a.mp4": new SourceUnavailableError(reason, "It can't be read.") };
      const opened = await openReconciler({ objects: [upload("uploads/a.mp4", 1)], failing });
      await opened.at(9);
      expect(opened.types()).toEqual(types);
    },
  );
});

describe("an upload that can't be looked up", () => {
  const objects = ["a", "b", "c", "d"].map((name) => upload(`uploads/${name}.mp4`, 1));

  it("repeats its page in the next run, and looks the others up", async () => {
    const { at, setup, events } = await openReconciler({
      objects,
      failing: { "uploads/a.mp4": new Error("throttled") },
    });
    await expect(at(9)).rejects.toThrow("1 uploads couldn't be looked up");
    expect(events.map(({ data }) => "key" in data && data.key)).toEqual(["uploads/b.mp4"]);
    setup.failing = {};
    expect(await at(9.25)).toMatchObject({ requested: 3, complete: true });
    expect(events).toHaveLength(4);
  });

  it("doesn't repeat its page for ever", async () => {
    const { at, events } = await openReconciler({ objects, failing: { "uploads/a.mp4": new Error("no such key") } });
    for (const hour of [9, 9.25, 9.5]) await expect(at(hour)).rejects.toThrow("1 uploads couldn't be looked up");
    expect(events).toHaveLength(3);
    expect(await at(9.75)).toMatchObject({ lookedUp: 0, complete: true });
  });
});

describe("one run at a time", () => {
  it("ends well, and does nothing, while another one is in progress", async () => {
    const opened = await openReconciler({ objects: [upload("uploads/a.mp4", 1)] });
    let other: unknown;
    opened.setup.onPage = async () => {
      opened.setup.onPage = () => {};
      other = await opened.at(9);
    };
    expect(await opened.at(9)).toMatchObject({ requested: 1, complete: true });
    expect(other).toEqual({ outcome: "busy" });
    expect(opened.events).toHaveLength(1);
  });

  it("continues once the time of a run that was killed is over, and not before", async () => {
    const opened = await openReconciler({ objects: [upload("uploads/a.mp4", 1)] });
    opened.setup.onPage = () => opened.kill();
    await expect(opened.at(9)).rejects.toThrow("Killed");
    opened.setup.onPage = () => {};
    expect(await opened.at(9 + 299 / HOUR)).toEqual({ outcome: "busy" });
    expect(await opened.at(9 + 301 / HOUR)).toMatchObject({ requested: 1, complete: true });
  });
});

describe("a run whose time is up", () => {
  it("says that the pass isn't complete", async () => {
    const { at, events } = await openReconciler({ objects: [upload("uploads/a.mp4", 1)] });
    expect(await at(9, AbortSignal.abort(new Error("time is up")))).toMatchObject({ complete: false });
    expect(events).toEqual([]);
  });

  it("waits for the look-ups that are under way, and announces nothing more", async () => {
    const leaving = new AbortController();
    let underWay = 0;
    const objects = Array.from({ length: 6 }, (_, n) => upload(`uploads/${n}.mp4`, 1));
    const { at, events } = await openReconciler({
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
