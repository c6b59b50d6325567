import type { z } from "zod";
import type { Metadata } from "./envelope.ts";
import {
  PosterCreated,
  RequestRefused,
  SegmentCreated,
  SegmentRangeRequested,
  SplitPlanned,
  SplitRequested,
  VideoRejected,
  VideoSplit,
} from "./events.ts";

/**
 * Every event of the service, by its detail-type: the one list that schemas, examples and parsers
 * are made from.
 */
export const catalog = {
  SplitRequested: {
    version: 1,
    description: "Requests a split of an object. Uploads don't need it: it's for all other objects.",
    data: SplitRequested,
  },
  SplitPlanned: {
    version: 1,
    description: "What the video is, and into how many segments of which length it will be cut.",
    data: SplitPlanned,
  },
  SegmentCreated: {
    version: 1,
    description: "One segment is in its bucket, complete and measured.",
    data: SegmentCreated,
  },
  PosterCreated: {
    version: 1,
    description: "A picture of one segment is in its bucket.",
    data: PosterCreated,
  },
  SegmentRangeRequested: {
    version: 1,
    description: "One invocation isn't enough: another one makes the segments of this range.",
    data: SegmentRangeRequested,
  },
  VideoSplit: {
    version: 1,
    description: "The split is complete: every segment was announced.",
    data: VideoSplit,
  },
  VideoRejected: {
    version: 1,
    description: "The object can't be split, and a retry wouldn't help.",
    data: VideoRejected,
  },
  RequestRefused: {
    version: 1,
    description:
      "A request is refused, because its object is, or is being, split in another way. That split continues.",
    data: RequestRefused,
  },
} as const;

export type EventType = keyof typeof catalog;
export type EventData<T extends EventType> = z.infer<(typeof catalog)[T]["data"]>;

/**
 * An event of this service: its detail-type, metadata and data. A union over `type` when T is left
 * out.
 */
export type VideoSplitEvent<T extends EventType = EventType> = {
  [K in T]: { type: K; metadata: Metadata; data: EventData<K> };
}[T];

/** The detail-types, in the order in which a run announces them. */
export const eventTypes = Object.keys(catalog) as EventType[];

/** Whether `name` is a detail-type of this service. */
export const isEventType = (name: unknown): name is EventType =>
  typeof name === "string" && Object.hasOwn(catalog, name);
