import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { ACCOUNT, all, busArn, busEvent, entry, openBridge, REGION, target } from "./bridge.ts";

const everything = {
  name: "everything",
  bus: "video",
  pattern: { source: [{ exists: true }] },
  targets: [target("one")],
};

describe("PutEvents", () => {
  it("given an event that a rule matches, then its target receives it as EventBridge sends it", async () => {
    const { client, bridge, received } = await openBridge({ rules: [everything] });

    const answer = await client.send(
      new PutEventsCommand({
        Entries: [
          entry({ n: 1 }, { Time: new Date("2026-05-06T07:08:09.999Z"), Resources: ["a", "b"], TraceHeader: "t" }),
        ],
      }),
    );
    await bridge.idle();

    expect(answer.FailedEntryCount).toBe(0);
    expect(received.map(({ event }) => event)).toEqual([
      {
        version: "0",
        id: answer.Entries?.[0]?.EventId,
        "detail-type": "Made",
        source: "test",
        account: ACCOUNT,
        time: "2026-05-06T07:08:09Z",
        region: REGION,
        resources: ["a", "b"],
        detail: { n: 1 },
      },
    ]);
  });

  it("given no time, then it is now", async () => {
    const { client, bridge } = await openBridge();
    const before = Math.floor(Date.now() / 1_000) * 1_000;
    await client.send(new PutEventsCommand({ Entries: [entry()] }));
    const [event] = await all(bridge.log("video"));
    expect(Date.parse(event?.time ?? "")).toBeGreaterThanOrEqual(before);
    expect(event?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it("given a bus's name, its ARN or nothing, then the event is put onto that bus or the default one", async () => {
    const { client, bridge } = await openBridge();
    await client.send(
      new PutEventsCommand({
        Entries: [
          entry({ to: "name" }),
          entry({ to: "arn" }, { EventBusName: busArn("video") }),
          entry({ to: "default" }, { EventBusName: undefined }),
        ],
      }),
    );
    expect((await all(bridge.log("video"))).map(({ detail }) => detail)).toEqual([{ to: "name" }, { to: "arn" }]);
    expect((await all(bridge.log("default"))).map(({ detail }) => detail)).toEqual([{ to: "default" }]);
  });

  it("given a bus that doesn't exist, then the event is taken and dropped, as AWS does", async () => {
    const { client } = await openBridge();
    const answer = await client.send(new PutEventsCommand({ Entries: [entry({}, { EventBusName: "nowhere" })] }));
    expect(answer.FailedEntryCount).toBe(0);
    expect(answer.Entries?.[0]?.EventId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("given bad entries among good ones, then each has its own result in order", async () => {
    const { client, bridge } = await openBridge();
    const answer = await client.send(
      new PutEventsCommand({
        Entries: [
          entry({ n: 0 }),
          entry({}, { Source: undefined }),
          entry({}, { DetailType: "" }),
          entry({}, { Detail: undefined }),
          entry({}, { Detail: "{not json" }),
          entry({}, { Detail: "[1]" }),
          entry({}, { Detail: '"text"' }),
          entry({}, { Source: "aws.s3" }),
          entry({ n: 8 }, { Source: "awsome" }),
        ],
      }),
    );

    expect(answer.Entries?.map(({ EventId, ErrorCode }) => (EventId === undefined ? ErrorCode : "taken"))).toEqual([
      "taken",
      "InvalidArgument",
      "InvalidArgument",
      "InvalidArgument",
      "MalformedDetail",
      "MalformedDetail",
      "MalformedDetail",
      "NotAuthorizedForSourceException",
      "taken",
    ]);
    expect(answer.Entries?.[1]?.ErrorMessage).toBe(
      "Parameter Source is not valid. Reason: Source is a required argument.",
    );
    expect(answer.FailedEntryCount).toBe(7);
    expect((await all(bridge.log("video"))).map(({ detail }) => detail)).toEqual([{ n: 0 }, { n: 8 }]);
  });

  it.each([0, 11])("given %i entries, then the request is refused", async (count) => {
    const { client } = await openBridge();
    const Entries = Array.from({ length: count }, () => entry());
    await expect(client.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("Value at 'entries' failed to satisfy constraint: Member must have length"),
    });
  });

  it("given entries of 1 MB together, then they are taken, and with a byte more refused", async () => {
    const { client, bridge } = await openBridge();
    // Source "test", detail type "Made", a time of 14 bytes, and a resource, in UTF-8.
    const fixed = 4 + 4 + 14 + Buffer.byteLength("é");
    const ofSize = (bytes: number) =>
      entry({}, { Time: new Date(), Resources: ["é"], Detail: `{"x":"${"x".repeat(bytes - fixed - 8)}"}` });

    await client.send(new PutEventsCommand({ Entries: [ofSize(524_288), ofSize(524_288)] }));
    await expect(
      client.send(new PutEventsCommand({ Entries: [ofSize(524_288), ofSize(524_289)] })),
    ).rejects.toMatchObject({
      name: "ValidationException",
      message: "Total size of the entries in the request is over the limit.",
    });
    expect(await all(bridge.log("video"))).toHaveLength(2);
  });
});

describe("put, for services of the stack", () => {
  it("given an event of AWS, then it is taken, and is in the log when the promise resolves", async () => {
    const { bridge, received } = await openBridge({ rules: [{ ...everything, bus: "default" }] });
    const event = { ...busEvent(), source: "aws.s3" };
    await bridge.put("default", [event]);
    expect(await all(bridge.log("default"))).toEqual([event]);
    await bridge.idle();
    expect(received[0]?.event).toEqual(event);
  });

  it("given an unknown bus, then it rejects", async () => {
    const { bridge } = await openBridge();
    await expect(bridge.put("nowhere", [])).rejects.toThrow("There is no event bus nowhere");
  });
});
