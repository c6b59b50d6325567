import { segmentIds, type VideoSplitEvent } from "#events-schema";
import type { ProcessingUpload, RejectedUpload, SegmentDocument, SplitUpload, VideoDocument } from "./document.ts";
import type { DocumentEvent } from "./identity.ts";
import { firstAnnounced, standing } from "./joining.ts";

type Told<T extends DocumentEvent["type"]> = VideoSplitEvent<T>;

/**
 * What a document becomes by an event: what the event tells, joined with what was known. Joining knows no order and no
 * repetition, so whatever the order in which the events of a run come, and however often, the document is the same.
 * Throws `DocumentKindError` where an upload's event meets a segment's document, or the other way round.
 */
export function fold(document: VideoDocument | undefined, event: DocumentEvent): VideoDocument {
  switch (event.type) {
    case "SplitPlanned":
      return standing(document, {
        ...upload(event),
        ...picture(event),
        status: "processing",
      } satisfies ProcessingUpload);
    case "VideoRejected":
      return standing(document, {
        ...upload(event),
        status: "rejected",
        rejection: event.data.rejection,
        rejected_at: creationTime(event),
      } satisfies RejectedUpload);
    case "VideoSplit":
      return standing(document, {
        ...upload(event),
        ...picture(event),
        status: "split",
        ...outcome(event),
      } satisfies SplitUpload);
    case "SegmentCreated":
      return firstAnnounced(document, segment(event));
  }
}

/** To the millisecond, so that equal times have equal texts and texts sort as times do. */
const creationTime = ({ metadata }: DocumentEvent): string => new Date(metadata.occurredAt).toISOString();

function upload(event: Told<"SplitPlanned" | "VideoSplit" | "VideoRejected">) {
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

const picture = ({ data: { size, fps, duration, audio } }: Told<"SplitPlanned" | "VideoSplit" | "SegmentCreated">) => ({
  size,
  fps,
  duration,
  audio,
});

const outcome = ({ data }: Told<"VideoSplit">) => ({
  frames: data.frames,
  sub_videos: segmentIds(data.VideoId, data.segment_count),
  ...(data.proof !== undefined && { proof: data.proof }),
  ...(data.truncated !== undefined && { truncated: data.truncated }),
  ...(data.last_readable_time !== undefined && { last_readable_time: data.last_readable_time }),
});

function segment(event: Told<"SegmentCreated">): SegmentDocument {
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
    ...picture(event),
    start,
    end,
    frames,
    ...(made !== undefined && { made }),
    ...(audio_made !== undefined && { audio_made }),
  };
}
