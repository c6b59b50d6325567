import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { makeMedia } from "../fixtures/media.ts";
import { openTestStack } from "../fixtures/stack.ts";
import { temporaryFolder } from "../fixtures/temporary.ts";

describe("a malformed SplitRequested", () => {
  it("is rejected immediately with a reason if it names an object, and becomes a dead letter if it doesn't", async () => {
    const test = await openTestStack();
    const { events, stack } = test;
    const metadata = {
      eventId: "r",
      version: 1,
      correlationId: "r",
      causationId: "r",
      occurredAt: "2026-11-23T09:00:00Z",
    };
    const put = async (...requests: Record<string, unknown>[]) => {
      const address = { EventBusName: stack.names.bus, Source: "video-split", DetailType: "SplitRequested" };
      const entryOf = (data: unknown) => ({ ...address, Detail: JSON.stringify({ metadata, data }) });
      await events.send(new PutEventsCommand({ Entries: requests.map(entryOf) }));
      await stack.idle();
    };
    const key = await test.upload(await makeMedia(await temporaryFolder(), "no-audio.mp4"), {
      key: "archive/film.mp4",
    });
    const named = { bucket: stack.names.uploads, key, reason: "manual" };
    await put(
      { ...named, segment_seconds: 0 },
      { ...named, bucket: "arn:aws:s3:::archive" },
      { ...named, bucket: "my archive" },
      { ...named, key: "k".repeat(1_025) },
    );
    const documents = await test.allDocuments();
    expect(documents.map(({ rejection }) => rejection)).toEqual(
      Array.from({ length: 4 }, () => ({ reason: "InvalidRequest", message: expect.stringContaining("Correct it") })),
    );
    expect(await test.deadLetters()).toEqual([]);

    await put({ ...named, segment_seconds: "3" }, { ...named, cut: "fast" });
    expect(await test.allDocuments()).toHaveLength(documents.length);
    await put({ bucket: named.bucket, reason: "manual" });
    expect(await test.deadLetters()).toHaveLength(1);

    await put({ ...named, segment_seconds: 3 });
    const film = (await test.allDocuments()).find((document) => document.key === key);
    expect(film).toMatchObject({ status: "split" });

    const settled = await test.allDocuments();
    const refusals = async () =>
      (await test.busEvents(stack.names.bus)).filter((event) => event["detail-type"] === "RequestRefused").length;
    // Of two requests at the same time, the second may have been refused above.
    const before = await refusals();
    await put({ ...named, segment_seconds: 5 }, { ...named, cut: "fast" });
    expect(await refusals()).toBe(before + 2);
    expect(await test.allDocuments()).toEqual(settled);
  });
});
