import type { VideoSplitEvent } from "#events-schema";
import type { Hash } from "../video/ids.ts";
import type { Log } from "../video/ports/log.ts";
import { checkedDocumentId } from "./domain/consistency.ts";
import { fold } from "./domain/fold.ts";
import { isDocumentEvent } from "./domain/identity.ts";
import type { Measure, Measurement } from "./ports/measure.ts";
import type { VideoDocuments } from "./ports/video-documents.ts";

export type ProjectorDependencies = {
  documents: VideoDocuments;
  log: Log;
  measure: Measure;
  hash: Hash;
  now: () => Date;
};

/** What an event did to the documents. */
export type Projection = { outcome: "changed" | "unchanged"; VideoId: number } | { outcome: "ignored" };

/**
 * The maximum age of an event that is being delivered: EventBridge retries for a day, and Lambda
 * keeps it for six hours more. An older one comes from a replay or a redrive, so its age isn't the
 * lag of the documents.
 */
const MAX_LAG_SECONDS = 30 * 3_600;

/**
 * Updates the document that an event is about. Throws errors that a retry can solve, and
 * `InconsistentEventError` for an event that this service can't have made.
 */
export async function project(
  event: VideoSplitEvent,
  { documents, log, measure, hash, now }: ProjectorDependencies,
): Promise<Projection> {
  const { correlationId, eventId } = event.metadata;
  const line = log.with({ correlation_id: correlationId, event_id: eventId, event_type: event.type });
  if (!isDocumentEvent(event)) {
    line.info("Ignored: a request changes no document");
    return { outcome: "ignored" };
  }
  const VideoId = checkedDocumentId(event, hash, now());
  const outcome = await documents.evolve(VideoId, (document) => fold(document, event));
  line.info(`Document ${outcome}`, { video_id: VideoId });
  measure(measured(VideoId, outcome, lagOf(event, now())));
  return { outcome, VideoId };
}

/** In seconds; undefined where the clocks of the two machines disagree on the order. */
const lagOf = ({ metadata }: VideoSplitEvent, now: Date): number =>
  Math.max(0, now.getTime() - Date.parse(metadata.occurredAt)) / 1_000;

/** An event that changed nothing was redelivered, or came after a newer one: it has no lag. */
const measured = (videoId: number, outcome: "changed" | "unchanged", lagSeconds: number): Measurement =>
  outcome === "changed" && lagSeconds <= MAX_LAG_SECONDS
    ? { type: "caught up", videoId, lagSeconds }
    : { type: "projected", videoId };
