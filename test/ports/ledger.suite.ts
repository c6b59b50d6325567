import { describe, expect, it, onTestFinished, vi } from "vitest";
import { BLOCK_SIZE } from "#events-schema";
import type { UploadLedger } from "../../services/reconciler/ports/upload-ledger.ts";
import type { CutChoice, DeliveredSegment, FinishedRange, Ledger } from "../../services/split/ports/ledger.ts";
import type { Hash } from "../../services/video/ids.ts";
import { costOf, NO_USAGE, type Usage } from "../../services/video/usage.ts";
import { colliding } from "../fakes/ledger.ts";

/** A ledger of the contract's own; each call opens it again, as another invocation does. */
export type OpenLedger = () => Promise<(hash?: Hash) => Ledger & UploadLedger>;

const FORTNIGHT_MS = 14 * 86_400_000;

export const choice: CutChoice = { segmentSeconds: 30, cut: "keyframe", outputKeyPrefix: "segments/" };

export const segment: DeliveredSegment = {
  object: {
    bucket: "segments",
    prefixTemplate: "segments/{video_name}/",
    extension: "mp4",
    bytes: 12,
    checksum: `sha256:${"0".repeat(64)}`,
    frames: 50,
    made: "stitched",
    videoCodec: "h264",
    audioCodecs: ["aac"],
  },
  proof: {
    frames: 50,
    undecodable: 0,
    size: [160, 90],
    start: 0,
    end: 2,
    copiedFrames: 40,
    anchoredFrames: 4,
    leastPsnr: 48.5,
    largestTimeError: 0,
    largestAudioOffset: 0.001,
    audio: [{ start: 0, end: 2, gapBefore: 0, largestGap: 0 }, null],
    stretches: [{ from: 0.5, to: 0.75 }],
  },
  announced: false,
};

const inOrder = (found: Map<number, DeliveredSegment>) => [...found].sort(([one], [other]) => one - other);

function videoLedgerTests(open: OpenLedger): void {
  it("always gives the same source the same block", async () => {
    const ledger = await open();
    const first = await ledger().claimBlock("source");
    expect(await ledger().claimBlock("source")).toBe(first);
    expect(first % BLOCK_SIZE).toBe(0);
  });

  it("takes the next salt where another source has the block, and comes back to the same one", async () => {
    const ledger = (await open())(colliding);
    expect(await ledger.claimBlock("a")).toBe(BLOCK_SIZE);
    expect(await ledger.claimBlock("b")).toBe(2 * BLOCK_SIZE);
    expect(await ledger.claimBlock("c")).toBe(3 * BLOCK_SIZE);
    expect(await ledger.claimBlock("b")).toBe(2 * BLOCK_SIZE);
    expect(await ledger.claimBlock("a")).toBe(BLOCK_SIZE);
  });

  it("never gives one block to two concurrent sources, or two blocks to one", async () => {
    const ledger = (await open())(colliding);
    const claims = await Promise.all(["a", "b", "c", "a", "b", "c"].map((source) => ledger.claimBlock(source)));
    expect(new Set(claims).size).toBe(3);
    expect(claims.slice(0, 3)).toEqual(claims.slice(3));
  });
}

function ledgerTests(open: OpenLedger): void {
  it("keeps the first choice, whatever a later attempt requests, and knows the first attempt", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    expect(await ledger().choose(videoId, choice)).toEqual({ choice, isFirst: true });
    const other = { segmentSeconds: 5, cut: "exact" as const, outputKeyPrefix: "other/" };
    expect(await ledger().choose(videoId, other)).toEqual({ choice, isFirst: false });
    expect(await ledger().claimBlock("source")).toBe(videoId);
  });

  it("has one first attempt among concurrent ones, and one choice", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    const choices = await Promise.all(
      [1, 2, 3].map((segmentSeconds) => ledger().choose(videoId, { ...choice, segmentSeconds })),
    );
    expect(choices.filter(({ isFirst }) => isFirst)).toHaveLength(1);
    expect(new Set(choices.map((one) => one.choice.segmentSeconds)).size).toBe(1);
  });

  it("recalls nothing of a video that is only claimed, then its choice, and then that it's split", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    expect(await ledger().recall(videoId)).toEqual({ choice: undefined, isSplit: false, ranges: undefined });
    await ledger().choose(videoId, choice);
    expect(await ledger().recall(videoId)).toEqual({ choice, isSplit: false, ranges: undefined });
    await ledger().recordEnding(videoId, "split");
    expect(await ledger().recall(videoId)).toEqual({ choice, isSplit: true, ranges: undefined });
  });

  it("forgets a choice that is released, and the next attempt is a first one", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    await ledger().choose(videoId, choice);
    await ledger().release(videoId);
    expect(await ledger().recall(videoId)).toEqual({ choice: undefined, isSplit: false, ranges: undefined });
    const other = { ...choice, segmentSeconds: 5 };
    expect(await ledger().choose(videoId, other)).toEqual({ choice: other, isFirst: true });
    expect(await ledger().claimBlock("source")).toBe(videoId);
  });

  it.each(["rejected", "given up"] as const)("stays split where a slow attempt ends it as %s", async (ending) => {
    const ledger = (await open())();
    const videoId = await ledger.claimBlock("source");
    await ledger.recordEnding(videoId, ending);
    expect((await ledger.recall(videoId)).isSplit).toBe(false);
    await ledger.recordEnding(videoId, "split");
    await ledger.recordEnding(videoId, ending);
    expect((await ledger.recall(videoId)).isSplit).toBe(true);
  });

  it("keeps the ranges that were recorded first, and which of them are finished", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    await ledger().choose(videoId, choice);
    const ranges = [
      { first: 0, last: 9 },
      { first: 10, last: 19 },
    ];
    const planned = { ranges, extension: "mkv", begunAt: 1_000 };
    expect(await ledger().planRanges(videoId, planned)).toEqual({ ...planned, finished: new Map() });
    await ledger().finishRange(videoId, 19, { undecodableFrom: 581.5 });
    const other = { ranges: [{ first: 0, last: 19 }], extension: "mp4", begunAt: 2_000 };
    const first = new Map([[19, { undecodableFrom: 581.5 }]]);
    expect(await ledger().planRanges(videoId, other)).toEqual({ ...planned, finished: first });
    await ledger().finishRange(videoId, 9, { undecodableFrom: undefined });
    const finished = new Map<number, FinishedRange>([...first, [9, { undecodableFrom: undefined }]]);
    expect(await ledger().finishRange(videoId, 9, { undecodableFrom: undefined })).toEqual({ ...planned, finished });
    expect(await ledger().recall(videoId)).toEqual({ choice, isSplit: false, ranges: { ...planned, finished } });
  });

  it("returns all of them to at least one of the ranges that finish at the same moment", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    const lasts = [1, 3, 5, 7];
    const ranges = lasts.map((last) => ({ first: last - 1, last }));
    await ledger().planRanges(videoId, { ranges, extension: "mp4", begunAt: 1_000 });
    const seen = await Promise.all(
      lasts.map((last) => ledger().finishRange(videoId, last, { undecodableFrom: undefined })),
    );
    expect(Math.max(...seen.map(({ finished }) => finished.size))).toBe(4);
  });

  it("adds up what invocations used, also of those that record it at the same moment", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    const other = await ledger().claimBlock("other");
    const counts = { bytesRead: 10, bytesWritten: 9, s3Reads: 2, s3Writes: 3, dynamoReads: 4, dynamoWrites: 5 };
    const usage: Usage = { ...counts, invocations: 1, gbSeconds: 0.1, events: 6 };
    expect(await ledger().recordUsage(videoId, usage)).toEqual(usage);
    const sums = await Promise.all(
      [1, 2, 3].map(() => ledger().recordUsage(videoId, { ...NO_USAGE, gbSeconds: 0.2, events: 1 })),
    );
    expect(Math.max(...sums.map(({ events }) => events))).toBe(9);
    const { gbSeconds, ...sum } = await ledger().recordUsage(videoId, NO_USAGE);
    expect(sum).toEqual({ ...counts, invocations: 1, events: 9 });
    expect(gbSeconds).toBeCloseTo(0.7, 9);
    expect(await ledger().recordUsage(other, NO_USAGE)).toEqual(NO_USAGE);
    expect(await ledger().claimBlock("source")).toBe(videoId);
  });

  it("keeps the cost that was recorded first, also of those that record it at the same moment", async () => {
    const ledger = await open();
    const videoId = await ledger().claimBlock("source");
    const costs = [1, 2, 3].map((invocations) => costOf({ ...NO_USAGE, invocations, gbSeconds: 0.125 }));
    const recorded = await Promise.all(costs.map((cost) => ledger().recordCost(videoId, cost)));
    expect(new Set(recorded.map((cost) => JSON.stringify(cost))).size).toBe(1);
    const later = costOf({ ...NO_USAGE, invocations: 9 });
    expect(JSON.stringify(await ledger().recordCost(videoId, later))).toBe(JSON.stringify(recorded[0]));
    expect(costs).toContainEqual(recorded[0]);
  });

  it("finds the segments of a video as they were last recorded, and no others", async () => {
    const ledger = (await open())();
    await ledger.recordSegment(BLOCK_SIZE, 0, segment);
    await ledger.recordSegment(BLOCK_SIZE, 40, segment);
    await ledger.recordSegment(BLOCK_SIZE, 40, { ...segment, announced: true });
    await ledger.recordSegment(BLOCK_SIZE, 41, segment);
    await ledger.recordSegment(2 * BLOCK_SIZE, 1, segment);
    expect(inOrder(await ledger.delivered(BLOCK_SIZE, { first: 41, last: 45 }))).toEqual([[41, segment]]);
    expect(inOrder(await ledger.delivered(BLOCK_SIZE, { first: 0, last: 40 }))).toEqual([
      [0, segment],
      [40, { ...segment, announced: true }],
    ]);
  });

  it("keeps a segment as it was when it was recorded", async () => {
    const ledger = (await open())();
    const changing = structuredClone(segment);
    await ledger.recordSegment(BLOCK_SIZE, 0, changing);
    changing.announced = true;
    expect(await ledger.delivered(BLOCK_SIZE, { first: 0, last: 0 })).toEqual(new Map([[0, segment]]));
  });

  it("forgets segments after 14 days, and not before", async () => {
    const ledger = (await open())();
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const now = Date.now();
    await ledger.recordSegment(BLOCK_SIZE, 0, segment);
    vi.setSystemTime(now + FORTNIGHT_MS - 60_000);
    expect((await ledger.delivered(BLOCK_SIZE, { first: 0, last: 0 })).size).toBe(1);
    vi.setSystemTime(now + FORTNIGHT_MS + 60_000);
    expect((await ledger.delivered(BLOCK_SIZE, { first: 0, last: 0 })).size).toBe(0);
  });

  it("given an aborted look-up, then throws the reason", async () => {
    const ledger = (await open())();
    const timeIsUp = new Error("time is up");
    await expect(ledger.delivered(BLOCK_SIZE, { first: 0, last: 2 }, AbortSignal.abort(timeIsUp))).rejects.toBe(
      timeIsUp,
    );
  });
}

/** The contracts of the split's two ledgers, for each implementation of them. */
export function ledgerContracts(name: string, open: OpenLedger): void {
  describe(`video ledger: ${name}`, () => videoLedgerTests(open));
  describe(`split ledger: ${name}`, () => ledgerTests(open));
}
