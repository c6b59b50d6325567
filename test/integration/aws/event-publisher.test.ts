import { text } from "node:stream/consumers";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import type { VideoSplitEvent } from "#events-schema";
import { eventBridgePublisher, PublishError } from "../../../services/aws/event-publisher.ts";
import { CREDENTIALS, REGION, serve } from "../../fixtures/http.ts";

type Entry = { DetailType: string; Detail: string; EventBusName: string };
type Answer = { EventId?: string; ErrorCode?: string; ErrorMessage?: string };

/** An EventBridge endpoint that answers each entry as told, and keeps the calls. */
async function bus(answer: (entry: Entry, call: number) => Answer | "throttle") {
  const calls: Entry[][] = [];
  const endpoint = await serve(async (request, response) => {
    const { Entries } = JSON.parse(await text(request)) as { Entries: Entry[] };
    calls.push(Entries);
    const answers = Entries.map((entry) => answer(entry, calls.length));
    const throttled = answers.includes("throttle");
    response.writeHead(throttled ? 400 : 200, { "content-type": "application/x-amz-json-1.1" });
    const failed = answers.filter((one) => one !== "throttle" && one.ErrorCode !== undefined).length;
    response.end(
      JSON.stringify(throttled ? { __type: "ThrottlingException" } : { FailedEntryCount: failed, Entries: answers }),
    );
  });
  const client = new EventBridgeClient({ endpoint, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 });
  return { calls, publisher: eventBridgePublisher(client, "video-split") };
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

  it("gives up after some attempts and says what the bus said", async () => {
    const { publisher } = await bus(() => ({ ErrorCode: "AccessDenied", ErrorMessage: "not yours" }));
    const failure = publisher.publish(rejected(0));
    await expect(failure).rejects.toBeInstanceOf(PublishError);
    await expect(failure).rejects.toThrow("The bus video-split refused VideoRejected: AccessDenied: not yours");
  });

  it("refuses an event that breaks the schema before it's sent", async () => {
    const { calls, publisher } = await bus(() => ({ EventId: "1" }));
    const broken = { ...rejected(0), data: { ...rejected(0).data, bytes: -1 } } as VideoSplitEvent;
    await expect(publisher.publish(broken)).rejects.toThrow(/VideoRejected is not valid.*bytes/);
    expect(calls).toEqual([]);
  });
});
