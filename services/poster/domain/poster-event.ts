import { eventId, type Hash, type Metadata, type SegmentCreated, type VideoSplitEvent } from "#events-schema";

/** The picture is beside its segment: the same key, with this extension. */
const EXTENSION = "jpg";

export const posterKey = ({ key, extension }: Pick<SegmentCreated, "key" | "extension">): string =>
  `${key.slice(0, key.length - extension.length)}${EXTENSION}`;

/**
 * The event that a segment's poster is there. Its id follows from the segment, so that it is the
 * same when the segment is announced again.
 */
export function posterCreated(
  segment: SegmentCreated,
  cause: Metadata,
  { size, hash, now }: { size: [number, number]; hash: Hash; now: Date },
): VideoSplitEvent<"PosterCreated"> {
  const { VideoId, parent_video, segment_index, bucket } = segment;
  return {
    type: "PosterCreated",
    metadata: {
      eventId: eventId(cause.correlationId, "PosterCreated", segment_index, hash),
      version: 1,
      correlationId: cause.correlationId,
      causationId: cause.eventId,
      occurredAt: now.toISOString(),
    },
    data: { VideoId, parent_video, segment_index, bucket, key: posterKey(segment), size },
  };
}
