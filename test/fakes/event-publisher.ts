import { createEvent, type VideoSplitEvent } from "#events-schema";
import type { EventPublisher } from "../../services/video/ports/event-publisher.ts";

/** A bus in memory. It refuses what the schema refuses; `events` are as a consumer gets them. */
export function fakePublisher(): EventPublisher & { events: VideoSplitEvent[] } {
  const events: VideoSplitEvent[] = [];
  return {
    events,
    publish: async ({ type, data, metadata }, signal) => {
      const { detail } = createEvent(type, data, metadata);
      signal?.throwIfAborted();
      events.push(JSON.parse(JSON.stringify({ type, ...detail })));
    },
  };
}
