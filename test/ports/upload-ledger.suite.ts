import { describe, expect, it } from "vitest";
import { LeaseLostError } from "../../services/video/errors.ts";
import { colliding } from "../fakes/ledger.ts";
import { choice, type OpenLedger } from "./ledger.suite.ts";

function uploadLedgerTests(open: OpenLedger): void {
  it("knows when it was created", async () => {
    const before = Math.floor(Date.now() / 1_000);
    const ledger = await open();
    const createdAt = await ledger().createdAt();
    expect(createdAt).toBeGreaterThanOrEqual(before);
    expect(createdAt).toBeLessThanOrEqual(Date.now() / 1_000);
    expect(await ledger().createdAt()).toBe(createdAt);
  });

  it("gives the lease to one run among concurrent ones, and the progress with it", async () => {
    const ledger = await open();
    const owners = ["a", "b", "c"];
    const taken = await Promise.all(owners.map((owner) => ledger().takeLease({ owner, seconds: 300 }, 100)));
    expect(taken.filter((progress) => progress !== undefined)).toEqual([{}]);
  });

  it("gives the lease to another run once it is released or its time is over, and not before", async () => {
    const ledger = (await open())();
    const take = (owner: string, now: number) => ledger.takeLease({ owner, seconds: 300 }, now);
    expect(await take("a", 100)).toEqual({});
    expect(await take("a", 200)).toEqual({});
    expect(await take("b", 499)).toBeUndefined();
    expect(await take("b", 500)).toEqual({});
    await ledger.releaseLease("a");
    expect(await take("c", 501)).toBeUndefined();
    await ledger.releaseLease("b");
    expect(await take("c", 501)).toEqual({});
  });

  it("keeps the progress of the run that has the lease, and of no other", async () => {
    const ledger = (await open())();
    const pass = { asOf: 90, place: { key: "uploads/ü b.mp4", versionId: "v" }, listCalls: 3, failures: 1 };
    const begun = { pass: { asOf: 100, listCalls: 0, failures: 0 } };
    const reached = { last: { asOf: 1, listCalls: 2 }, pass };
    const done = { last: { asOf: 90, listCalls: 4 }, pass: undefined };
    await ledger.takeLease({ owner: "a", seconds: 300 }, 100);
    await ledger.saveProgress("a", begun);
    expect(await ledger.takeLease({ owner: "b", seconds: 300 }, 400)).toEqual(begun);
    await expect(ledger.saveProgress("a", done)).rejects.toThrow(LeaseLostError);
    await ledger.saveProgress("b", reached);
    await ledger.releaseLease("b");
    await expect(ledger.saveProgress("b", done)).rejects.toThrow(LeaseLostError);
    expect(await ledger.takeLease({ owner: "c", seconds: 300 }, 401)).toEqual(reached);
    await ledger.saveProgress("c", done);
    expect(await ledger.takeLease({ owner: "d", seconds: 300 }, 701)).toEqual(done);
  });

  it("knows whether an upload has begun and ended, also where others have the blocks before", async () => {
    const ledger = (await open())(colliding);
    await ledger.claimBlock("a");
    const videoId = await ledger.claimBlock("b");
    const states = async () => Promise.all(["a", "b", "c"].map((identity) => ledger.stateOf(identity)));
    expect(await states()).toEqual(["begun", "begun", "unknown"]);
    await ledger.choose(videoId, choice);
    expect(await states()).toEqual(["begun", "begun", "unknown"]);
    await ledger.recordEnding(videoId, "split");
    expect(await states()).toEqual(["begun", "split", "unknown"]);
    expect(await ledger.claimBlock("b")).toBe(videoId);
  });

  it.each(["split", "rejected", "given up"] as const)("knows that an upload was %s", async (ending) => {
    const ledger = (await open())();
    await ledger.recordEnding(await ledger.claimBlock("a"), ending);
    expect(await ledger.stateOf("a")).toBe(ending);
  });

  it("knows when an invocation last left segments to the next one", async () => {
    const ledger = (await open())(colliding);
    await ledger.claimBlock("a");
    const videoId = await ledger.claimBlock("b");
    expect(await ledger.progressOf("b")).toBeUndefined();
    await ledger.recordProgress(videoId, 100);
    await ledger.recordProgress(videoId, 200);
    expect(await Promise.all(["a", "b", "c"].map((identity) => ledger.progressOf(identity)))).toEqual([
      undefined,
      200,
      undefined,
    ]);
    expect(await ledger.claimBlock("b")).toBe(videoId);
  });

  it("counts the requests for an upload, with the time of the last", async () => {
    const ledger = (await open())();
    expect(await ledger.requestsFor("a")).toEqual({ requests: 0, lastRequestAt: undefined });
    await ledger.countRequest("a", 1, 100);
    await ledger.countRequest("a", 2, 200);
    await ledger.countRequest("b", 1, 300);
    expect(await ledger.requestsFor("a")).toEqual({ requests: 2, lastRequestAt: 200 });
  });

  it("counts a request once, however often it's recorded", async () => {
    const ledger = (await open())();
    await ledger.countRequest("a", 1, 100);
    await ledger.countRequest("a", 2, 200);
    await ledger.countRequest("a", 2, 300);
    await ledger.countRequest("a", 1, 400);
    expect(await ledger.requestsFor("a")).toEqual({ requests: 2, lastRequestAt: 200 });
  });
}

/** The contract of the reconciler's ledger, for each implementation of it. */
export function uploadLedgerContract(name: string, open: OpenLedger): void {
  describe(`upload ledger: ${name}`, () => uploadLedgerTests(open));
}
