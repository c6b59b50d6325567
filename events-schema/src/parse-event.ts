import * as z from "zod";
import { type EventType, isEventType, type VideoSplitEvent } from "./catalog.ts";
import { type Envelope, SOURCE } from "./envelope.ts";
import { faultsOf, InvalidEventError, UnknownEventError } from "./errors.ts";
import { eventSchema } from "./event-schema.ts";

const Address = z.object({ source: z.string(), "detail-type": z.string() });

/** The event's type. Throws `UnknownEventError`, whose message says what the event is instead. */
function typeOf(event: unknown): EventType {
  const address = Address.safeParse(event);
  if (!address.success) {
    throw new UnknownEventError(`Not an EventBridge event: ${faultsOf(address.error.issues)[0]?.field} is missing`, {
      cause: address.error,
    });
  }
  const { source, "detail-type": type } = address.data;
  if (source !== SOURCE) throw new UnknownEventError(`"${type}" is an event of "${source}", not of "${SOURCE}"`);
  if (!isEventType(type))
    throw new UnknownEventError(`"${type}" is not among the events of "${SOURCE}" that this version knows`);
  return type;
}

/** An event with its envelope. */
export type ReceivedEvent = { event: VideoSplitEvent; envelope: Envelope };

/** Like `parseEvent`, and keeps the envelope: ids, times, and the replay's name. */
export function receiveEvent(event: unknown): ReceivedEvent {
  const type = typeOf(event);
  const parsed = eventSchema(type).safeParse(event);
  if (!parsed.success) throw new InvalidEventError(type, faultsOf(parsed.error.issues), { cause: parsed.error });
  const { detail, ...envelope } = parsed.data;
  return { event: { type, ...detail } as VideoSplitEvent, envelope };
}

/**
 * Reads an event as a target receives it from EventBridge: switch over `type`, and `data` has that
 * event's type. Unknown fields are ignored, so that events of later versions can be read. Throws
 * `UnknownEventError` where it isn't an event of this service, and `InvalidEventError` where it is,
 * but broken.
 */
export const parseEvent = (event: unknown): VideoSplitEvent => receiveEvent(event).event;

/**
 * Whether an event is one of this service's, by source and detail-type. It may still be invalid:
 * `parseEvent` checks it.
 */
export const isEvent = (event: unknown): event is { source: typeof SOURCE; "detail-type": EventType } => {
  const address = Address.safeParse(event);
  return address.success && address.data.source === SOURCE && isEventType(address.data["detail-type"]);
};
