import type { VideoSplitEvent } from "#events-schema";

/** Announces events. */
export type EventPublisher = {
  /**
   * Resolves when the bus has accepted this event. Throws `InvalidEventError` for one that breaks
   * its schema, `PublishError` (retryable) where the bus refuses it several times, and immediately
   * the reason of `signal` when that is aborted; the bus may have accepted the event.
   */
  publish(event: VideoSplitEvent, signal?: AbortSignal): Promise<void>;
};
