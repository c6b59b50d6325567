import { segmentIds, type VideoSplitEvent } from "#events-schema";
import type { ProcessingUpload, RejectedUpload, SegmentDocument, SplitUpload, VideoRecord } from "./document.ts";
import type { DocumentEvent } from "./identity.ts";
import { mergePoster, mergeSegment, mergeUpload } from "./merge.ts";

type EventOf<T extends DocumentEvent["type"]> = VideoSplitEvent<T>;

/**
 * The document after an event: the event's update merged into the document before it. The result is
 * the same for any order and number of deliveries of a split's events. Throws `DocumentKindError`
 * for an event about an upload where the document is a segment's, and the reverse.
 */
export function fold(document: VideoRecord | undefined, event: DocumentEvent): VideoRecord {
  switch (event.type) {
    case "SplitPlanned":
      return mergeUpload(document, {
        ...upload(event),
        ...videoProperties(event),
        status: "processing",
      } satisfies ProcessingUpload);
    case "VideoRejected":
      return mergeUpload(document, {
        ...upload(event),
        status: "rejected",
        rejection: event.data.rejection,
        rejected_at: creationTime(event),
      } satisfies RejectedUpload);
    case "VideoSplit":
      return mergeUpload(document, {
        ...upload(event),
        ...videoProperties(event),
        status: "split",
        ...outcome(event),
      } satisfies SplitUpload);
    case "SegmentCreated":
      return mergeSegment(document, segment(event));
    case "PosterCreated":
      return mergePoster(document, poster(event));
  }
}

/** To the millisecond, so that equal times have equal texts and texts sort as times do. */
const creationTime = ({ metadata }: DocumentEvent): string => new Date(metadata.occurredAt).toISOString();

function upload(event: EventOf<"SplitPlanned" | "VideoSplit" | "VideoRejected">) {
  const { VideoId, bucket, key, etag, version_id, name, extension, bytes } = event.data;
  return {
    VideoId,
    process_step: "upload" as const,
    creation_time: creationTime(event),
    bucket,
    key,
    name,
    extension,
    bytes,
    ...(etag !== undefined && { etag }),
    ...(version_id !== undefined && { version_id }),
  };
}

const videoProperties = ({
  data: { size, fps, duration, audio },
}: EventOf<"SplitPlanned" | "VideoSplit" | "SegmentCreated">) => ({
  size,
  fps,
  duration,
  audio,
});

const outcome = ({ data }: EventOf<"VideoSplit">) => ({
  frames: data.frames,
  sub_videos: segmentIds(data.VideoId, data.segment_count),
  ...(data.proof !== undefined && { proof: data.proof }),
  ...(data.truncated !== undefined && { truncated: data.truncated }),
  ...(data.last_readable_time !== undefined && { last_readable_time: data.last_readable_time }),
  ...(data.undecodable !== undefined && { undecodable: data.undecodable }),
});

function segment(event: EventOf<"SegmentCreated">): SegmentDocument {
  const { VideoId, parent_video, segment_index, bucket, key, name, extension, bytes, checksum, start, end, frames } =
    event.data;
  const { made, audio_made } = event.data;
  return {
    VideoId,
    process_step: "timesplit",
    creation_time: creationTime(event),
    parent_video,
    segment_index,
    bucket,
    key,
    name,
    extension,
    bytes,
    checksum,
    ...videoProperties(event),
    start,
    end,
    frames,
    ...(made !== undefined && { made }),
    ...(audio_made !== undefined && { audio_made }),
  };
}

const poster = ({ data: { VideoId, bucket, key, size } }: EventOf<"PosterCreated">) => ({
  VideoId,
  poster: { bucket, key, size },
});
