import type { Hash, Metadata, SegmentCreated } from "#events-schema";
import { posterCreated } from "./domain/poster-event.ts";
import { stretchesOf } from "./domain/stretches.ts";
import type { Log } from "./ports/log.ts";
import type { OpenedSegment, Picture, Pictures } from "./ports/pictures.ts";
import type { PosterEvents } from "./ports/poster-events.ts";
import type { SegmentStore } from "./ports/segment-store.ts";

export type PosterDependencies = {
  store: SegmentStore;
  pictures: Pictures;
  events: PosterEvents;
  log: Log;
  hash: Hash;
  now: () => Date;
};

/** `skipped`: there is no poster, and a retry would make none. */
export type PosterOutcome = { outcome: "made"; key: string } | { outcome: "skipped"; why: "gone" | "undecodable" };

/**
 * Writes a picture of a segment beside it, and announces that. Whatever is done twice has the same
 * result: the picture has the same key, and its event the same id. Throws what a retry may solve,
 * and the reason of `signal`.
 */
export async function makePoster(
  segment: SegmentCreated,
  cause: Metadata,
  { store, pictures, events, log, hash, now }: PosterDependencies,
  signal: AbortSignal,
): Promise<PosterOutcome> {
  const { bucket, key, duration } = segment;
  const stored = await store.find(bucket, key, signal);
  if (stored === undefined) {
    log.warn("No poster: the segment was deleted");
    return { outcome: "skipped", why: "gone" };
  }
  const opened = await pictures.open(stored);
  const picture = await choosePicture(opened, duration, signal).finally(() => opened.close());
  if (picture === undefined) {
    log.warn("No poster: no frame of the segment can be decoded");
    return { outcome: "skipped", why: "undecodable" };
  }
  const event = posterCreated(segment, cause, { size: picture.size, hash, now: now() });
  await store.writePicture(bucket, event.data.key, picture.jpeg, signal);
  // Announced once it is durable.
  await events.publish(event, signal);
  log.info("Poster made", { jpeg_bytes: picture.jpeg.length });
  return { outcome: "made", key: event.data.key };
}

/** The picture of the first stretch that has one. */
async function choosePicture(
  opened: OpenedSegment,
  seconds: number,
  signal: AbortSignal,
): Promise<Picture | undefined> {
  for (const stretch of stretchesOf(seconds)) {
    const picture = await opened.picture(stretch, signal);
    if (picture !== undefined) return picture;
  }
  return undefined;
}
