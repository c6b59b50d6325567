import type { VideoSplitEvent } from "#events-schema";
import type { Hash } from "../video/ids.ts";
import type { Log } from "../video/ports/log.ts";
import { checkedDocumentId } from "./domain/consistency.ts";
import { fold } from "./domain/fold.ts";
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
 * The oldest that an event on its way becomes: EventBridge delivers for a day, and Lambda keeps it
 * for six hours more. An older one comes from a replay or a redrive, and its age says nothing of
 * how late the documents are.
 */
const LONGEST_LAG_SECONDS = 30 * 3_600;

/**
 * Brings the document that an event is about up to date. Throws what is worth a retry, and
 * `InconsistentEventError` for an event that this service can't have made.
 */
export async function project(
  event: VideoSplitEvent,
  { documents, log, measure, hash, now }: ProjectorDependencies,
): Promise<Projection> {
  const { correlationId, eventId } = event.metadata;
  const line = log.with({ correlation_id: correlationId, event_id: eventId, event_type: event.type });
  if (event.type === "SplitRequested" || event.type === "RequestRefused") {
    line.info("Ignored: a request, met or refused, changes no document");
    return { outcome: "ignored" };
  }
  const VideoId = checkedDocumentId(event, hash, now());
  const outcome = await documents.evolve(VideoId, (document) => fold(document, event));
  line.info(`Document ${outcome}`, { video_id: VideoId });
  measure(measured(VideoId, outcome, lagOf(event, now())));
  return { outcome, VideoId };
}

/** In seconds; none where the clocks of the two machines disagree on which was first. */
const lagOf = ({ metadata }: VideoSplitEvent, now: Date): number =>
  Math.max(0, now.getTime() - Date.parse(metadata.occurredAt)) / 1_000;

/**
 * An event that changed nothing comes again, or after one that says more: its document wasn't
 * waiting for it.
 */
const measured = (videoId: number, outcome: "changed" | "unchanged", lagSeconds: number): Measurement =>
  outcome === "changed" && lagSeconds <= LONGEST_LAG_SECONDS
    ? { type: "caught up", videoId, lagSeconds }
    : { type: "projected", videoId };
