import type { EventData } from "#events-schema";
import type { About, EventView, Message, SegmentView, VideoView, WaitingView } from "../../api/types.ts";

/** What the page knows of uploads. Events and documents are merged into it, in any order. */
export type VideosState = {
  /** Newest first. */
  videos: VideoView[];
  waiting: WaitingView[];
};

type Uploads = Pick<About, "uploads" | "extensions">;

type Detail = { metadata?: { occurredAt?: string }; data?: unknown };

const byTime = (one: VideoView, other: VideoView): number =>
  one.creation_time < other.creation_time ? 1 : one.creation_time > other.creation_time ? -1 : 0;

/** A video that ended isn't in progress again: an event can come late. */
const PROGRESS = { processing: 0, rejected: 1, split: 2 } as const;

function merged(before: VideoView | undefined, next: VideoView): VideoView {
  if (before === undefined) return next;
  const [less, more] = PROGRESS[before.status] > PROGRESS[next.status] ? [next, before] : [before, next];
  const creation_time = before.creation_time < next.creation_time ? before.creation_time : next.creation_time;
  return { ...less, ...more, creation_time };
}

/** Merges views of videos, and removes what was waiting for them. */
export function withVideos(state: VideosState, next: readonly VideoView[]): VideosState {
  if (next.length === 0) return state;
  const videos = new Map(state.videos.map((video) => [video.VideoId, video]));
  for (const video of next) videos.set(video.VideoId, merged(videos.get(video.VideoId), video));
  const waiting = state.waiting.filter(
    (each) => !next.some(({ bucket, key }) => bucket === each.bucket && key === each.key),
  );
  return { videos: [...videos.values()].sort(byTime), waiting };
}

function withWaiting(state: VideosState, event: EventView, { uploads, extensions }: Uploads): VideosState {
  const { bucket, object } = event.detail as { bucket: { name: string }; object: { key: string; size: number } };
  const { key, size: bytes } = object;
  if (event["detail-type"] !== "Object Created" || bucket.name !== uploads.bucket) return state;
  if (!key.startsWith(uploads.prefix)) return state;
  const accepted = extensions.some((extension) => key.toLowerCase().endsWith(`.${extension}`));
  const others = state.waiting.filter((each) => each.bucket !== bucket.name || each.key !== key);
  return { ...state, waiting: [{ bucket: bucket.name, key, bytes, time: event.time, accepted }, ...others] };
}

type Source = EventData<"VideoRejected">;

const sourceOf = ({ VideoId, bucket, key, name, extension, bytes }: Source) => ({
  VideoId,
  bucket,
  key,
  name,
  extension,
  bytes,
});

/** The view that an event of the service gives of its upload; undefined for other events. */
export function viewOfEvent({ "detail-type": type, detail, time }: EventView): VideoView | undefined {
  const { data, metadata } = detail as Detail;
  const creation_time = metadata?.occurredAt ?? time;
  if (type === "VideoRejected") {
    const rejected = data as EventData<"VideoRejected">;
    return { ...sourceOf(rejected as Source), creation_time, status: "rejected", rejection: rejected.rejection };
  }
  if (type !== "SplitPlanned" && type !== "VideoSplit") return undefined;
  const video = data as EventData<"SplitPlanned"> & Partial<EventData<"VideoSplit">>;
  const { size, fps, duration, audio, cut, segment_seconds, segment_count } = video;
  const { frames, proof, truncated, last_readable_time, undecodable } = video;
  return {
    ...sourceOf(video as unknown as Source),
    ...{ size, fps, duration, audio, creation_time },
    status: type === "VideoSplit" ? "split" : "processing",
    plan: { cut, segment_seconds, segment_count },
    ...(frames !== undefined && { frames }),
    ...(proof && { proof }),
    ...(truncated && { truncated }),
    ...(last_readable_time !== undefined && { last_readable_time }),
    ...(undecodable && { undecodable }),
  };
}

/** The segment that an event is about; undefined for other events. */
export const segmentOfEvent = ({ "detail-type": type, detail }: EventView): SegmentView | undefined =>
  type === "SegmentCreated" ? ((detail as Detail).data as SegmentView) : undefined;

/** The state after a message of the stream. */
export function afterMessage(state: VideosState, message: Message, uploads: Uploads): VideosState {
  if (message.type !== "event") return state;
  const { bus, event } = message;
  if (bus === "default") return event.source === "aws.s3" ? withWaiting(state, event, uploads) : state;
  const view = viewOfEvent(event);
  return view === undefined ? state : withVideos(state, [view]);
}

/** How many segments there are, as far as it's known. */
export const segmentCount = ({ plan, status }: VideoView, known: number): number =>
  status === "processing" ? Math.max(plan?.segment_count ?? 0, known) : (plan?.segment_count ?? known);
