import type { z } from "zod";
import type { Metadata } from "./envelope.ts";
import { SegmentCreated, SplitPlanned, SplitRequested, VideoRejected, VideoSplit } from "./events.ts";

/** Every event of the service, by its detail-type: the one list that schemas, examples and parsers are made from. */
export const catalog = {
  SplitRequested: { version: 1, data: SplitRequested },
  SplitPlanned: { version: 1, data: SplitPlanned },
  SegmentCreated: { version: 1, data: SegmentCreated },
  VideoSplit: { version: 1, data: VideoSplit },
  VideoRejected: { version: 1, data: VideoRejected },
} as const;

export type EventType = keyof typeof catalog;
export type EventData<T extends EventType> = z.infer<(typeof catalog)[T]["data"]>;

/** An event of this service: its detail-type, metadata and data. A union over `type` when T is left out. */
export type VideoSplitEvent<T extends EventType = EventType> = {
  [K in T]: { type: K; metadata: Metadata; data: EventData<K> };
}[T];

export const eventTypes = Object.keys(catalog) as EventType[];
