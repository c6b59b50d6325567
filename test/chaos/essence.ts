import type { VideoSplitEvent } from "#events-schema";

export type Document = Record<string, unknown> & { VideoId: number; key: string };

/** All that a stack holds in the end. */
export type Outcome = {
  documents: Document[];
  events: VideoSplitEvent[];
  /** Bytes of the objects in the output bucket, by key. */
  objects: ReadonlyMap<string, number | undefined>;
};

/** The video that an event is about. */
const videoOf = ({ data }: VideoSplitEvent): number | undefined =>
  "parent_video" in data ? data.parent_video : "VideoId" in data ? data.VideoId : undefined;

/** Everything about an upload that doesn't tell which one it was, or when. */
export function essence({ documents, events, objects }: Outcome, key: string): string {
  const video = documents.find((document) => document.key === key);
  if (video === undefined) return "no document";
  const segments = documents
    .filter(({ parent_video }) => parent_video === video.VideoId)
    .sort((one, other) => one.VideoId - other.VideoId);
  const told = new Map<string, string>();
  for (const event of events) if (videoOf(event) === video.VideoId) told.set(event.metadata.eventId, event.type);
  const { status, rejection, frames, duration, proof, sub_videos } = video;
  const folder = key.replace(/^uploads\/(.*)\.[^.]+$/, "segments/$1/");
  return JSON.stringify({
    upload: {
      ...{ status, rejection, frames, duration, proof },
      segments: (sub_videos as number[] | undefined)?.map((id) => id - video.VideoId),
    },
    segments: segments.map(({ segment_index, bytes, checksum, frames: count, start, end, made, ...segment }) => ({
      ...{ segment_index, bytes, checksum, count, start, end, made, stored: objects.get(segment.key) },
    })),
    objects: [...objects.keys()].filter((stored) => stored.startsWith(folder)).length,
    events: [...told.values()].sort(),
  });
}
