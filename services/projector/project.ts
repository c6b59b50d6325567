import type { VideoSplitEvent } from "#events-schema";
import { fold } from "./domain/fold.ts";
import { documentId } from "./domain/identity.ts";
import type { Log, VideoDocuments } from "./ports.ts";

export type ProjectorDependencies = { documents: VideoDocuments; log: Log };

/** What an event did to the documents. */
export type Projection = { outcome: "changed" | "unchanged"; VideoId: number } | { outcome: "ignored" };

/** Brings the document that an event is about up to date. Throws what is worth a retry, and for ids that contradict each other. */
export async function project(event: VideoSplitEvent, { documents, log }: ProjectorDependencies): Promise<Projection> {
  const { correlationId, eventId } = event.metadata;
  const line = log.with({ correlation_id: correlationId, event_id: eventId, event_type: event.type });
  if (event.type === "SplitRequested") {
    line.info("Ignored: a request changes no document");
    return { outcome: "ignored" };
  }
  const VideoId = documentId(event);
  const outcome = await documents.evolve(VideoId, (document) => fold(document, event));
  line.info(`Document ${outcome}`, { video_id: VideoId });
  return { outcome, VideoId };
}
