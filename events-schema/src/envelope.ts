import * as z from "zod";

/**
 * The `source` of every event of this service, and of every EventBridge pattern that subscribes to
 * one.
 */
export const SOURCE = "video-split";

/**
 * What every event carries beside its data. Ids are opaque strings: compare them, but don't parse
 * them.
 */
export const Metadata = z.object({
  eventId: z
    .string()
    .min(1)
    .describe("Deterministic: the same fact announced again has the same id. Use it to deduplicate."),
  version: z
    .int()
    .positive()
    .describe("Version of the event's schema. It is 1; a breaking change is a new event beside the old."),
  correlationId: z.string().min(1).describe("One per upload: every event of the same upload carries the same id."),
  causationId: z.string().min(1).describe("Id of the message whose handling led to this event."),
  occurredAt: z.iso
    .datetime()
    .describe("When the fact was announced, ISO 8601 in UTC. A re-announcement can be later."),
});
export type Metadata = z.infer<typeof Metadata>;

/**
 * An EventBridge event as a target receives it, whatever its detail. Source: EventBridge user
 * guide, "Events structure".
 */
export const EventBridgeEnvelope = z.object({
  version: z.string().optional(),
  id: z.string(),
  source: z.string(),
  "detail-type": z.string(),
  account: z.string().optional(),
  time: z.string().optional(),
  region: z.string().optional(),
  resources: z.array(z.string()).optional(),
  "replay-name": z.string().optional().describe("Only on events that a replay of the archive delivers: its name."),
  detail: z.unknown(),
});

/** An EventBridge event without its detail. */
export type Envelope = Omit<z.infer<typeof EventBridgeEnvelope>, "detail">;
