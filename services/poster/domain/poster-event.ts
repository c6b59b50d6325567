import { eventId, type Hash, type Metadata, type SegmentCreated, type VideoSplitEvent } from "#events-schema";

/** The picture is beside its segment: the same key, with this extension. */
const EXTENSION = "jpg";

/** Throws for a key that doesn't end with the extension: another object would be replaced. */
export function posterKey({ key, extension }: Pick<SegmentCreated, "key" | "extension">): string {
  if (extension !== "" && extension !== EXTENSION && key.endsWith(`.${extension}`))
    return `${key.slice(0, -extension.length)}${EXTENSION}`;
  throw new Error(`The key ${key} isn't a segment's: it doesn't end with the extension "${extension}"`);
}

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
