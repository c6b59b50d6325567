import { createEvent, isInvalidEventError, type VideoSplitEvent } from "#events-schema";
import { RejectedVideo } from "../video/errors.ts";
import { correlationId, eventId, uploadEventId } from "../video/ids.ts";
import type { Announce, SplitDependencies } from "./dependencies.ts";

/** Fields whose values come from the file, so any value is possible. */
const MEASURED = [
  "size",
  "fps",
  "duration",
  "segment_count",
  "frames",
  "requested_start",
  "requested_end",
  "start",
  "end",
  "last_readable_time",
  "proof",
];

const isMeasured = (field: string): boolean => MEASURED.some((name) => new RegExp(`^data\\.${name}\\b`).test(field));

/**
 * Throws `RejectedVideo` for an event that is invalid because of the file's figures only: each
 * retry would fail in the same way. Any other invalid event is an error of this service, and thrown
 * unchanged.
 */
function assertValid({ type, data, metadata }: VideoSplitEvent): void {
  try {
    createEvent(type, data, metadata);
  } catch (error) {
    if (!isInvalidEventError(error) || !error.faults.every(({ field }) => isMeasured(field))) throw error;
    const what = error.faults.map(({ field, message }) => `${field.replace("data.", "")}: ${message}`).join("; ");
    throw new RejectedVideo(
      "UnreadableMedia",
      `The times or sizes in the file are impossible (${what}). Export the video again, as one whole file.`,
      { cause: error },
    );
  }
}

type Announced = Exclude<VideoSplitEvent, { type: "SplitRequested" }>;

/**
 * Announces events about the upload of this identity, until `signal` is aborted where there is one.
 * `causationId` is the id of the message that led to them.
 */
export function announcer(
  identity: string,
  causationId: string,
  { publisher, hash, now }: Pick<SplitDependencies, "publisher" | "hash" | "now">,
  signal?: AbortSignal,
): Announce {
  const correlation = correlationId(identity, hash);
  const idOf = (event: Announced): string => {
    if (event.type !== "RequestRefused") return uploadEventId(correlation, event, hash);
    // Each request is answered by a separate event.
    return eventId(correlation, event.type, `${event.data.refusal.reason} ${causationId}`, hash);
  };
  return async (type, data) => {
    const metadata = {
      eventId: idOf({ type, data } as Announced),
      version: 1,
      correlationId: correlation,
      causationId,
      occurredAt: now().toISOString(),
    };
    const event = { type, metadata, data } as VideoSplitEvent;
    assertValid(event);
    await publisher.publish(event, signal);
  };
}
