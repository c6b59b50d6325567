import { text } from "node:stream/consumers";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { eventBridgePublisher, PublishError } from "../../../services/aws/event-publisher.ts";
import { openBridge } from "../../emulator/events/bridge.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";
import { eventPublisherContract } from "../../ports/event-publisher.suite.ts";

eventPublisherContract("EventBridge", async () => {
  const { bridge, client } = await openBridge();
  return {
    publisher: eventBridgePublisher(client, "video"),
    received: async () => (await Array.fromAsync(bridge.log("video"))).map(parseEvent),
  };
});

type Entry = { DetailType: string; Detail: string; EventBusName: string };
type Answer = { EventId?: string; ErrorCode?: string; ErrorMessage?: string };

/**
 * An EventBridge endpoint that responds to each entry with the result of `answer`, and records the
 * calls. It responds when `held` resolves; undefined: immediately.
 */
async function bus(
  answer: (entry: Entry, call: number) => Answer | "throttle",
  {
    held = () => undefined,
    backoffMs,
  }: { held?: (call: number) => Promise<void> | undefined; backoffMs?: number } = {},
) {
  const calls: Entry[][] = [];
  const brokenOff: number[] = [];
  const endpoint = await serve(async (request, response) => {
    const { Entries } = JSON.parse(await text(request)) as { Entries: Entry[] };
    const call = calls.push(Entries);
    response.once("close", () => {
      if (!response.writableEnded) brokenOff.push(call);
    });
    await held(call);
    const answers = Entries.map((entry) => answer(entry, calls.length));
    const throttled = answers.includes("throttle");
    response.writeHead(throttled ? 400 : 200, { "content-type": "application/x-amz-json-1.1" });
    const failed = answers.filter((one) => one !== "throttle" && one.ErrorCode !== undefined).length;
    response.end(
      JSON.stringify(throttled ? { __type: "ThrottlingException" } : { FailedEntryCount: failed, Entries: answers }),
    );
  });
  const client = new EventBridgeClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  return { calls, brokenOff, publisher: eventBridgePublisher(client, "video-split", backoffMs) };
}

const rejected = (n: number): VideoSplitEvent => ({
  type: "VideoRejected",
  metadata: {
    eventId: `event-${n}`,
    version: 1,
    correlationId: "c",
    causationId: "m",
    occurredAt: "2026-11-23T00:00:00.000Z",
  },
  data: {
    VideoId: 16_384 * (n + 1),
    bucket: "b",
    key: "k.mp4",
    name: "k",
    extension: "mp4",
    bytes: 1,
    rejection: { reason: "NotMedia", message: "no" },
  },
});

const idOf = ({ Detail }: Entry): string => (JSON.parse(Detail) as { metadata: { eventId: string } }).metadata.eventId;

describe("publishing events", () => {
  it("sends what comes while a call is under way together, ten at a time, in order", async () => {
    const { calls, publisher } = await bus(() => ({ EventId: "1" }));
    await Promise.all(Array.from({ length: 25 }, (_, n) => publisher.publish(rejected(n))));
    expect(calls.map((entries) => entries.length)).toEqual([1, 10, 10, 4]);
    expect(calls.flat().map(idOf)).toEqual(Array.from({ length: 25 }, (_, n) => `event-${n}`));
    expect(calls[0]![0]).toMatchObject({ DetailType: "VideoRejected", EventBusName: "video-split" });
  });

  it("sends an entry that failed again alone, with the same event id, and the accepted ones not", async () => {
    let refusals = 0;
    const { calls, publisher } = await bus((entry) => {
      if (idOf(entry) !== "event-2" || refusals === 2) return { EventId: "1" };
      refusals += 1;
      return { ErrorCode: "InternalFailure", ErrorMessage: "try again" };
    });
    await Promise.all([0, 1, 2, 3].map((n) => publisher.publish(rejected(n))));
    const sent = calls.flat().map(idOf);
    expect(sent.filter((id) => id === "event-2")).toHaveLength(3);
    expect(sent.filter((id) => id !== "event-2").sort()).toEqual(["event-0", "event-1", "event-3"]);
  });

  it("tries again where the whole call failed", async () => {
    const { calls, publisher } = await bus((_entry, call) => (call < 3 ? "throttle" : { EventId: "1" }));
    await publisher.publish(rejected(0));
    expect(calls).toHaveLength(3);
  });

  it("fails after some attempts, with the bus's message", async () => {
    const { publisher } = await bus(() => ({ ErrorCode: "AccessDenied", ErrorMessage: "not yours" }), { backoffMs: 1 });
    const failure = publisher.publish(rejected(0));
    await expect(failure).rejects.toBeInstanceOf(PublishError);
    await expect(failure).rejects.toMatchObject({
      retryable: true,
      message: "The bus video-split refused VideoRejected: AccessDenied: not yours",
    });
  });

  it("calls once for each attempt: the SDK makes no retries", async () => {
    const { calls, publisher } = await bus(() => "throttle", { backoffMs: 1 });
    await expect(publisher.publish(rejected(0))).rejects.toBeInstanceOf(PublishError);
    expect(calls).toHaveLength(8);
  });
});

describe("publishing that is aborted", () => {
  const HOUR_MS = 3_600_000;
  const never = () => new Promise<void>(() => {});
  const timeIsUp = new Error("time is up");

  it("settles immediately during the call, aborts it, and lets others continue", async () => {
    const { calls, brokenOff, publisher } = await bus(() => ({ EventId: "1" }), {
      held: (call) => (call === 1 ? never() : undefined),
    });
    const leaving = new AbortController();
    const publishing = publisher.publish(rejected(0), leaving.signal);
    const next = publisher.publish(rejected(1));
    await expect.poll(() => calls.length).toBe(1);
    leaving.abort(timeIsUp);
    await expect(publishing).rejects.toBe(timeIsUp);
    await next;
    await expect.poll(() => brokenOff).toEqual([1]);
  });

  it("doesn't break off a call in which others' events are", async () => {
    const gate = Promise.withResolvers<void>();
    const { calls, brokenOff, publisher } = await bus(() => ({ EventId: "1" }), { held: () => gate.promise });
    const leaving = new AbortController();
    const first = publisher.publish(rejected(0));
    const publishing = publisher.publish(rejected(1), leaving.signal);
    const beside = publisher.publish(rejected(2));
    await expect.poll(() => calls.length).toBe(1);
    gate.resolve();
    await first;
    leaving.abort(timeIsUp);
    await expect(publishing).rejects.toBe(timeIsUp);
    await beside;
    expect(brokenOff).toEqual([]);
  });

  it("settles immediately in the pause before another attempt, which is not made", async () => {
    const { calls, publisher } = await bus((entry) => (idOf(entry) === "event-0" ? "throttle" : { EventId: "1" }), {
      backoffMs: HOUR_MS,
    });
    const leaving = new AbortController();
    const publishing = publisher.publish(rejected(0), leaving.signal);
    // Calls are made one after the other: when this one was answered, the first was refused.
    await publisher.publish(rejected(1));
    leaving.abort(timeIsUp);
    await expect(publishing).rejects.toBe(timeIsUp);
    expect(calls).toHaveLength(2);
  });
});
