import type { VideoSplitEvent } from "#events-schema";

/** Announces events. Resolves when the bus has accepted this one. */
export type EventPublisher = { publish(event: VideoSplitEvent): Promise<void> };
