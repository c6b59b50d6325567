import * as z from "zod";
import { catalog, type EventType } from "./catalog.ts";
import { EventBridgeEnvelope, Metadata, SOURCE } from "./envelope.ts";

/** The zod schema of an event's `detail`. Ignores unknown fields. */
export const detailSchema = <T extends EventType>(type: T) =>
  z.object({ metadata: Metadata, data: catalog[type].data as (typeof catalog)[T]["data"] });

/**
 * The zod schema of the whole EventBridge event of one type, as a target receives it; for other
 * parsers, such as Powertools'. Ignores unknown fields.
 */
export const eventSchema = <T extends EventType>(type: T) =>
  EventBridgeEnvelope.extend({
    source: z.literal(SOURCE),
    "detail-type": z.literal(type),
    detail: detailSchema(type),
  }).describe(catalog[type].description);
