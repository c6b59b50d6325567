import * as z from "zod";
import { catalog, type EventType } from "./catalog.ts";
import { EventBridgeEnvelope, Metadata, SOURCE } from "./envelope.ts";

const makeDetailSchema = <T extends EventType>(type: T) =>
  z.object({ metadata: Metadata, data: catalog[type].data as (typeof catalog)[T]["data"] });

const makeEventSchema = <T extends EventType>(type: T) =>
  EventBridgeEnvelope.extend({
    source: z.literal(SOURCE),
    "detail-type": z.literal(type),
    detail: detailSchema(type),
  }).describe(catalog[type].description);

/** Made when first needed, and then kept: making one takes longer than parsing an event. */
const details = new Map<EventType, unknown>();
const events = new Map<EventType, unknown>();

/** TypeScript can't express that a key of a map decides the type of its value. */
function kept<T extends EventType, S>(schemas: Map<EventType, unknown>, type: T, make: (type: T) => S): S {
  const schema = schemas.get(type) ?? make(type);
  schemas.set(type, schema);
  return schema as S;
}

/** The zod schema of an event's `detail`. Ignores fields that it doesn't know. */
export const detailSchema = <T extends EventType>(type: T) => kept(details, type, makeDetailSchema<T>);

/**
 * The zod schema of the whole EventBridge event of one type, as a target receives it; for those who
 * bring their own parser, such as Powertools'. Ignores fields that it doesn't know.
 */
export const eventSchema = <T extends EventType>(type: T) => kept(events, type, makeEventSchema<T>);
