import { describe, expect, it } from "vitest";
import { createEvent, type EventData } from "#events-schema";
import { putEvents, runOf } from "../fixtures/announcing.ts";
import { openTestStack } from "../fixtures/stack.ts";

type Announcement = ReturnType<typeof createEvent>;

/** The event with other metadata, or other data. */
const forged = (
  { detailType, detail }: Announcement,
  metadata: Record<string, unknown>,
  data: Record<string, unknown> = {},
) =>
  createEvent(detailType, { ...detail.data, ...data } as EventData<typeof detailType>, {
    ...detail.metadata,
    ...metadata,
  });

describe("events that this service can't have made", () => {
  it("change no document, and end as dead letters that say why", async () => {
    const test = await openTestStack();
    const [one, other] = [runOf(1, 2), runOf(2, 2)];
    await putEvents(test, [...one, ...other]);
    const before = await test.allDocuments();
    const [planned, segment] = one as [Announcement, Announcement];
    const ended = one.at(-1)!;
    const { VideoId } = other[0]!.detail.data as EventData<"SplitPlanned">;

    await putEvents(test, [
      forged(planned, { occurredAt: "0001-01-01T00:00:00Z" }),
      forged(segment, { occurredAt: "0001-01-01T00:00:00Z" }, { bytes: 1 }),
      forged(ended, {}, { VideoId, frames: 1 }),
      forged(ended, { eventId: "mine" }, { frames: 1 }),
    ]);
    expect(await test.allDocuments()).toEqual(before);
    const deadLetters = JSON.stringify(await test.deadLetters());
    expect(await test.deadLetters()).toHaveLength(4);
    for (const why of ["before this service existed", "doesn't follow from the correlation id", "event id mine"])
      expect(deadLetters).toContain(why);
  });
});
