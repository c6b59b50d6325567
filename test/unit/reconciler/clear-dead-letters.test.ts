import { describe, expect, it } from "vitest";
import type { Clearing } from "../../../services/reconciler/clear-dead-letters.ts";
import type { Reconciliation } from "../../../services/reconciler/reconcile.ts";
import { SourceUnavailableError } from "../../../services/video/errors.ts";
import { type Source, sourceIdentity } from "../../../services/video/source.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { HOUR, openReconciler, type ReconcilerSetup } from "./reconciler-setup.ts";

const KEY = "uploads/a.mp4";
/** Before any upload of these tests is looked up, so that only dead letters are handled. */
const EARLY = 1.5;

/**
 * Lambda's record of an event:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
const recordOf = (requestPayload: unknown, condition = "EventAgeExceeded"): string =>
  JSON.stringify({
    version: "1.0",
    timestamp: "2026-11-26T06:00:00.000Z",
    requestContext: {
      requestId: "8f4a1c1e-0000-4000-8000-000000000000",
      functionArn: "arn:aws:lambda:us-east-1:123456789012:function:split:$LATEST",
      condition,
      approximateInvokeCount: 0,
    },
    requestPayload,
  });

const created = ({ bucket, key, etag, versionId }: Source) => ({
  id: "17793124-05d4-b198-2fde-7ededc63b103",
  source: "aws.s3",
  "detail-type": "Object Created",
  detail: {
    bucket: { name: bucket },
    object: { key, etag, size: 7, ...(versionId !== undefined && { "version-id": versionId }) },
  },
});

const requested = ({ bucket, key }: Source, data: object = {}) => ({
  id: "1",
  source: "video-split",
  "detail-type": "SplitRequested",
  detail: {
    metadata: {
      eventId: "e",
      version: 1,
      correlationId: "c",
      causationId: "e",
      occurredAt: "2026-11-26T00:00:00Z",
    },
    data: { bucket, key, reason: "redrive", ...data },
  },
});

const deadLettersOf = (run: Reconciliation): Clearing | undefined =>
  "deadLetters" in run ? run.deadLetters : undefined;

/** A setup with one upload, which is split. */
async function openSplit(changes: Partial<ReconcilerSetup> = {}) {
  const objects = [{ key: KEY, uploadedAt: HOUR }];
  const opened = await openReconciler({ objects, isSplit: () => true, ...changes });
  const source = opened.sources.get(KEY) as Source;
  const run = async (signal = NEVER) => deadLettersOf(await opened.at(EARLY, signal));
  const visible = async () => (await opened.queue.deadLetters.receive(30, NEVER)).map(({ body }) => body);
  return { ...opened, source, run, visible };
}

type Opened = Awaited<ReturnType<typeof openSplit>>;

const VERSIONED = { isVersioned: true };

describe("a dead letter whose event waited too long, of an upload that is split", () => {
  it.each<[string, Partial<ReconcilerSetup>, (opened: Opened) => unknown]>([
    ["S3's event", {}, ({ source }) => created(source)],
    ["S3's event, with a version", VERSIONED, ({ source }) => created(source)],
    ["S3's event, if the object was deleted", { gone: [KEY] }, ({ source }) => created(source)],
    ["a request of the reconciler's", {}, ({ source }) => requested(source)],
    ["a request with a version", VERSIONED, ({ source }) => requested(source, { version_id: source.versionId })],
    [
      "a request with a version, where it isn't the latest and may not be looked at",
      { ...VERSIONED, gone: [KEY], failing: { [KEY]: new SourceUnavailableError("SourceForbidden", "Forbidden.") } },
      ({ source }) => requested(source, { version_id: source.versionId }),
    ],
    ["a request for the latest version", VERSIONED, ({ source }) => requested(source)],
  ])("is deleted: %s", async (_what, changes, eventOf) => {
    const opened = await openSplit(changes);
    if (changes.gone !== undefined) await opened.at(EARLY);
    opened.queue.send(recordOf(eventOf(opened)));
    expect(await opened.run()).toEqual({ cleared: 1, failures: 0 });
    expect(opened.queue.bodies()).toEqual([]);
  });

  it("is deleted among many that stay", async () => {
    const { queue, run, source } = await openSplit();
    const stays = recordOf(created(source), "RetriesExhausted");
    for (let index = 0; index < 37; index += 1) queue.send(index % 3 === 0 ? stays : recordOf(created(source)));
    expect(await run()).toEqual({ cleared: 24, failures: 0 });
    expect(queue.bodies()).toEqual(Array.from({ length: 13 }, () => stays));
  });

  it("is deleted, however many there are", async () => {
    const { queue, run, source } = await openSplit();
    for (let index = 0; index < 130; index += 1) queue.send(recordOf(created(source)));
    expect(await run()).toEqual({ cleared: 130, failures: 0 });
  });

  it("is deleted where the next pass isn't due, and left alone where another run is in progress", async () => {
    const { ledger, queue, at, source } = await openSplit();
    queue.send(recordOf(created(source)));
    await ledger.takeLease({ owner: "other", seconds: HOUR }, 0);
    await ledger.saveProgress("other", { last: { asOf: 0, listCalls: 400_000 } });
    expect(await at(0.5)).toEqual({ outcome: "busy" });
    expect(queue.bodies()).toHaveLength(1);
    await ledger.releaseLease("other");
    expect(await at(0.5)).toEqual({ outcome: "not due", deadLetters: { cleared: 1, failures: 0 } });
  });
});

describe("a dead letter that stays, and is released immediately", () => {
  it.each<[string, (source: Source) => string]>([
    ["no JSON", () => "hello"],
    ["no record of Lambda's", () => JSON.stringify({ Records: [] })],
    ["an event that EventBridge couldn't deliver", (source) => JSON.stringify(created(source))],
    ["no event", () => recordOf("hello")],
    ["an event that failed at each attempt", (source) => recordOf(created(source), "RetriesExhausted")],
    ["an event of an upload that is unknown", (source) => recordOf(created({ ...source, etag: "other" }))],
    ["another event of S3's", (source) => recordOf({ ...created(source), "detail-type": "Object Deleted" })],
    ["an event of another source", (source) => recordOf({ ...requested(source), source: "other" })],
    ["a request for a length", (source) => recordOf(requested(source, { segment_seconds: 5 }))],
    ["a request for a cut", (source) => recordOf(requested(source, { cut: "keyframe" }))],
    ["a request for a prefix", (source) => recordOf(requested(source, { output_key_prefix: "cuts/" }))],
    ["a request of a person's", (source) => recordOf(requested(source, { reason: "manual" }))],
    ["a malformed request", (source) => recordOf(requested(source, { version_id: 7 }))],
    ["a request for a deleted object", (source) => recordOf(requested({ ...source, key: "uploads/b.mp4" }))],
  ])("%s", async (_what, bodyOf) => {
    const { queue, run, visible, source } = await openSplit();
    const body = bodyOf(source);
    queue.send(body);
    expect(await run()).toEqual({ cleared: 0, failures: 0 });
    expect(await visible()).toEqual([body]);
  });

  it.each(["begun", "rejected", "given up"] as const)("of an upload that is %s", async (state) => {
    const opened = await openSplit({ isSplit: () => false });
    const { queue, ledger, source, run, visible } = opened;
    if (state !== "begun") await ledger.recordEnding(await ledger.claimBlock(sourceIdentity(source)), state);
    for (const event of [created(source), requested(source)]) queue.send(recordOf(event));
    expect(await run()).toEqual({ cleared: 0, failures: 0 });
    expect(await visible()).toHaveLength(2);
  });

  it("of an object in another bucket, outside the upload prefix, or that may not be looked at", async () => {
    const failing = { [KEY]: new SourceUnavailableError("SourceForbidden", "It may not be read.") };
    const { queue, ledger, run, visible, source, setup } = await openSplit({ failing });
    const elsewhere = { ...source, bucket: "other" };
    await ledger.recordEnding(await ledger.claimBlock(sourceIdentity(elsewhere)), "split");
    for (const event of [requested(source), created(elsewhere)]) queue.send(recordOf(event));
    expect(await run()).toEqual({ cleared: 0, failures: 0 });
    setup.settings = { keyPrefix: "elsewhere/" };
    queue.send(recordOf(created(source)));
    expect(await run()).toEqual({ cleared: 0, failures: 0 });
    expect(await visible()).toHaveLength(3);
  });

  it("so that a run which has a hundred of them receives no more", async () => {
    const { queue, run, visible } = await openSplit();
    for (let index = 0; index < 130; index += 1) queue.send("hello");
    let receives = 0;
    const { receive } = queue.deadLetters;
    queue.deadLetters.receive = async (...given) => {
      receives += 1;
      return receive(...given);
    };
    await run();
    expect(receives).toBe(10);
    expect(await visible()).toHaveLength(10);
    expect(queue.bodies()).toHaveLength(130);
  });
});

describe("a failure with the dead letters", () => {
  const objects = [{ key: KEY, uploadedAt: HOUR }];
  const refused = async () => {
    throw new Error("AccessDenied");
  };

  it.each(["receive", "release"] as const)("to %s is counted, and the pass continues", async (operation) => {
    const { queue, at } = await openReconciler({ objects });
    queue.send("hello");
    queue.deadLetters[operation] = refused;
    expect(await at(9)).toMatchObject({ requested: 1, complete: true, deadLetters: { cleared: 0, failures: 1 } });
    expect(queue.bodies()).toHaveLength(1);
  });

  it("to delete one is counted, the others are deleted, and it's released", async () => {
    const { queue, run, visible, source } = await openSplit();
    for (let index = 0; index < 3; index += 1) queue.send(recordOf(created(source)));
    const remove = queue.deadLetters.delete;
    queue.deadLetters.delete = async (deadLetter, signal) =>
      deadLetter.id === "2" ? refused() : remove(deadLetter, signal);
    expect(await run()).toEqual({ cleared: 2, failures: 1 });
    expect(await visible()).toHaveLength(1);
  });

  it("to look at one is counted, and it's released", async () => {
    const { queue, run, visible, source } = await openSplit({ failing: { [KEY]: new Error("SlowDown") } });
    for (const event of [created(source), requested(source)]) queue.send(recordOf(event));
    expect(await run()).toEqual({ cleared: 1, failures: 1 });
    expect(await visible()).toHaveLength(1);
  });

  it("is none where the run's time is up: what was received is released", async () => {
    const leaving = new AbortController();
    const { queue, run, visible, source } = await openSplit({ onLookUp: () => leaving.abort(new Error("time is up")) });
    queue.send(recordOf(created(source)));
    expect(await run(leaving.signal)).toEqual({ cleared: 0, failures: 0 });
    expect(await visible()).toHaveLength(1);
  });
});
