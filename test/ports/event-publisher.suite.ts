import { describe, expect, it } from "vitest";
import { isInvalidEventError, type VideoSplitEvent } from "#events-schema";
import type { EventPublisher } from "../../services/video/ports/event-publisher.ts";
import { NEVER } from "../fixtures/quiet.ts";
import { announced, rejectedData } from "../unit/projector/events-of-a-run.ts";

/** A publisher, and what a consumer of its bus has received. */
export type OpenBus = { publisher: EventPublisher; received(): Promise<VideoSplitEvent[]> };

const event = (n: number) => announced("VideoRejected", n, rejectedData({ key: `uploads/${n}.mp4` }));

/** The contract of the port, for each implementation of it. */
export function eventPublisherContract(name: string, open: () => Promise<OpenBus>): void {
  describe(`event publisher: ${name}`, () => {
    it("puts an event on the bus as it is, before it resolves", async () => {
      const { publisher, received } = await open();
      await publisher.publish(event(0), NEVER);
      expect(await received()).toEqual([event(0)]);
    });

    it("puts each event of many on the bus, in the order in which they were announced", async () => {
      const { publisher, received } = await open();
      const events = Array.from({ length: 25 }, (_, n) => event(n));
      await Promise.all(events.map((one) => publisher.publish(one)));
      expect(await received()).toEqual(events);
    });

    it("puts an event on the bus as often as it's announced: consumers know it by its id", async () => {
      const { publisher, received } = await open();
      await publisher.publish(event(0));
      await publisher.publish(event(0));
      expect(await received()).toEqual([event(0), event(0)]);
    });

    it.each<[string, object]>([
      ["a value that the schema refuses", { bytes: -1 }],
      ["a field that the schema doesn't have", { colour: "red" }],
    ])("refuses an event with %s, and puts nothing on the bus", async (_what, data) => {
      const { publisher, received } = await open();
      const broken = { ...event(0), data: { ...event(0).data, ...data } } as VideoSplitEvent;
      await expect(publisher.publish(broken)).rejects.toSatisfy(isInvalidEventError);
      expect(await received()).toEqual([]);
    });

    it("given it was aborted, then throws the reason, and puts nothing on the bus", async () => {
      const { publisher, received } = await open();
      const timeIsUp = new Error("time is up");
      await expect(publisher.publish(event(0), AbortSignal.abort(timeIsUp))).rejects.toBe(timeIsUp);
      expect(await received()).toEqual([]);
    });
  });
}
