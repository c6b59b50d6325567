import type { VideoSplitEvent } from "#events-schema";

/** Announces posters. */
export type PosterEvents = {
  /** Resolves when the bus has accepted the event. Throws where it refuses it several times. */
  publish(event: VideoSplitEvent<"PosterCreated">, signal: AbortSignal): Promise<void>;
};
