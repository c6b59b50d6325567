import type { VideoSplitEvent } from "#events-schema";
import { withoutCost } from "../fixtures/outcomes.ts";

export type Document = Record<string, unknown> & { VideoId: number; key: string };

/** Everything that a stack contains at the end. */
export type Outcome = {
  documents: Document[];
  events: VideoSplitEvent[];
  /** Bytes of the objects in the output bucket, by key. */
  objects: ReadonlyMap<string, number | undefined>;
};

/** Documents of the uploads that had this key: one for each version of the object. */
export const uploadsOf = ({ documents }: Outcome, key: string): Document[] =>
  documents.filter((document) => document.key === key);

/** The upload that an event is about. */
const videoOf = ({ data }: VideoSplitEvent): number | undefined =>
  "parent_video" in data ? data.parent_video : "VideoId" in data ? data.VideoId : undefined;

/** Without requests for segments: how many invocations a split takes depends on the machine. */
export const eventsOf = ({ events }: Outcome, { VideoId }: Document): VideoSplitEvent[] =>
  events.filter((event) => videoOf(event) === VideoId && event.type !== "SegmentRangeRequested");

/** Differ between two uploads of the same bytes. */
const NAMES = ["VideoId", "parent_video", "bucket", "key", "name", "etag", "version_id"];

/** Type and data of an event, without the names of its video, its time, and what the split cost. */
export const contentOf = (event: VideoSplitEvent): string =>
  JSON.stringify([event.type, Object.entries(withoutCost(event)).filter(([field]) => !NAMES.includes(field))]);

/**
 * An event that is announced with other data than before; undefined where there is none. Rejections
 * for one reason are one event, whose message can differ.
 */
export function announcedTwoWays(events: readonly VideoSplitEvent[]): string | undefined {
  const announced = new Map<string, string>();
  for (const { type, data, metadata } of events) {
    if (type === "VideoRejected") continue;
    const text = JSON.stringify(data);
    const before = announced.get(metadata.eventId);
    if (before !== undefined && before !== text) return `announced ${type} in two ways: ${before}\n  and\n  ${text}`;
    announced.set(metadata.eventId, text);
  }
  return undefined;
}

/** Everything about an upload but for its names and times: its document, its segments' documents and objects, its events. */
export function essence(outcome: Outcome, video: Document): string {
  const { documents, objects } = outcome;
  const segments = documents
    .filter(({ parent_video }) => parent_video === video.VideoId)
    .sort((one, other) => one.VideoId - other.VideoId);
  const announced = new Map(eventsOf(outcome, video).map(({ metadata, type }) => [metadata.eventId, type]));
  const { status, rejection, frames, duration, proof, truncated, sub_videos } = video;
  const stored = [...objects.keys()].filter((key) => key.includes(`-${video.VideoId}-`));
  return JSON.stringify({
    upload: {
      ...{ status, rejection, frames, duration, proof, truncated },
      segments: (sub_videos as number[] | undefined)?.map((id) => id - video.VideoId),
    },
    segments: segments.map(({ segment_index, bytes, checksum, frames: count, start, end, made, key }) => ({
      ...{ segment_index, bytes, checksum, count, start, end, made, stored: objects.get(key) },
    })),
    objects: stored.length,
    events: [...announced.values()].sort(),
  });
}
