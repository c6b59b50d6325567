import {
  CreateArchiveCommand,
  DeleteArchiveCommand,
  DescribeArchiveCommand,
  ListArchivesCommand,
  type ListArchivesCommandInput,
  PutEventsCommand,
  UpdateArchiveCommand,
} from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "vitest";
import { archiveArn, busArn, busEvent, entry, openBridge } from "./bridge.ts";

const EventPattern = JSON.stringify({ detail: { keep: [true] } });
const EventSourceArn = busArn("video");

describe("archives", () => {
  it("given an archive with a pattern, then it holds what matches and came after it", async () => {
    const { client } = await openBridge();
    await client.send(new PutEventsCommand({ Entries: [entry({ keep: true, early: true })] }));
    const created = await client.send(
      new CreateArchiveCommand({ ArchiveName: "a", EventSourceArn, EventPattern, Description: "d", RetentionDays: 3 }),
    );
    expect(created).toMatchObject({ ArchiveArn: archiveArn("a"), State: "ENABLED", CreationTime: expect.any(Date) });
    await client.send(new PutEventsCommand({ Entries: [entry({ keep: true }), entry({ keep: false })] }));
    const { $metadata: _, ...described } = await client.send(new DescribeArchiveCommand({ ArchiveName: "a" }));
    expect(described).toEqual({
      ArchiveArn: archiveArn("a"),
      ArchiveName: "a",
      EventSourceArn,
      Description: "d",
      EventPattern,
      State: "ENABLED",
      RetentionDays: 3,
      EventCount: 1,
      SizeBytes: expect.any(Number),
      CreationTime: created.CreationTime,
    });
    expect(described.SizeBytes).toBeGreaterThan(100);
  });

  it("given a managed archive, then it holds the bus's events from the first", async () => {
    const { client, bridge } = await openBridge({ archives: [{ name: "log", bus: "video", retentionDays: 0 }] });
    await bridge.put("video", [busEvent(), busEvent()]);
    expect(await client.send(new DescribeArchiveCommand({ ArchiveName: "log" }))).toMatchObject({ EventCount: 2 });
  });

  it("given an update, then what is named changes", async () => {
    const { client } = await openBridge();
    await client.send(
      new CreateArchiveCommand({ ArchiveName: "a", EventSourceArn, Description: "d", RetentionDays: 3 }),
    );
    await client.send(new UpdateArchiveCommand({ ArchiveName: "a", EventPattern, RetentionDays: 5 }));
    expect(await client.send(new DescribeArchiveCommand({ ArchiveName: "a" }))).toMatchObject({
      Description: "d",
      RetentionDays: 5,
      EventPattern,
    });
  });

  it("given several, then they are listed in pages, by prefix, by bus or by state", async () => {
    const { client } = await openBridge();
    for (const ArchiveName of ["b1", "a", "b2"]) {
      const source = ArchiveName === "a" ? busArn("default") : EventSourceArn;
      await client.send(new CreateArchiveCommand({ ArchiveName, EventSourceArn: source }));
    }
    const names = async (input: ListArchivesCommandInput) =>
      (await client.send(new ListArchivesCommand(input))).Archives?.map(({ ArchiveName }) => ArchiveName);
    const first = await client.send(new ListArchivesCommand({ Limit: 2 }));
    expect(first.Archives?.map(({ ArchiveName }) => ArchiveName)).toEqual(["a", "b1"]);
    expect(await names({ NextToken: first.NextToken })).toEqual(["b2"]);
    expect(await names({ NamePrefix: "b" })).toEqual(["b1", "b2"]);
    expect(await names({ EventSourceArn: busArn("default") })).toEqual(["a"]);
    expect(await names({ State: "DISABLED" })).toEqual([]);
    await expect(names({ State: "ENABLED", NamePrefix: "b" })).rejects.toMatchObject({ name: "ValidationException" });
  });

  it("given a deleted archive, then it doesn't exist", async () => {
    const { client } = await openBridge();
    await client.send(new CreateArchiveCommand({ ArchiveName: "a", EventSourceArn }));
    await client.send(new DeleteArchiveCommand({ ArchiveName: "a" }));
    const absent = { name: "ResourceNotFoundException", message: "Archive a does not exist." };
    await expect(client.send(new DescribeArchiveCommand({ ArchiveName: "a" }))).rejects.toMatchObject(absent);
    await expect(client.send(new DeleteArchiveCommand({ ArchiveName: "a" }))).rejects.toMatchObject(absent);
  });

  it.each([
    ["a name that is taken", { ArchiveName: "log" }, "ResourceAlreadyExistsException"],
    ["a name of 49 characters", { ArchiveName: "x".repeat(49) }, "ValidationException"],
    ["an unknown bus", { EventSourceArn: busArn("nowhere") }, "ResourceNotFoundException"],
    ["a bad pattern", { EventPattern: "{}" }, "InvalidEventPatternException"],
    ["a negative retention", { RetentionDays: -1 }, "ValidationException"],
  ])("given %s, then CreateArchive is refused", async (_, fields, name) => {
    const { client } = await openBridge({ archives: [{ name: "log", bus: "video", retentionDays: 0 }] });
    await expect(
      client.send(new CreateArchiveCommand({ ArchiveName: "a", EventSourceArn, ...fields })),
    ).rejects.toMatchObject({ name });
  });
});
