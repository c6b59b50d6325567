import { type EventData, type EventType, isEventType } from "./catalog.ts";
import { type Envelope, type Metadata, SOURCE } from "./envelope.ts";
import { UnknownEventError } from "./errors.ts";
import { receiveEvent } from "./parse-event.ts";

/**
 * The part of Lambda's context that subscribers receive; `Context` of @types/aws-lambda has this
 * type.
 */
export type LambdaContext = {
  awsRequestId: string;
  functionName: string;
  getRemainingTimeInMillis(): number;
};

/** What a subscriber receives besides an event's data. */
export type Delivery = {
  metadata: Metadata;
  /** Its `replay-name` distinguishes a replay of the archive from the first delivery. */
  envelope: Envelope;
  context: LambdaContext;
};

export type Subscriber<T extends EventType> = (data: EventData<T>, delivery: Delivery) => unknown;
export type Subscribers = { readonly [T in EventType]?: Subscriber<T> };

/** A Lambda handler. Resolves to what the subscriber returned. */
export type EventHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/**
 * Makes a Lambda handler out of a function for one event, or of one function for each of several.
 *
 * The handler throws for an event that isn't subscribed to (`UnknownEventError`) or is broken
 * (`InvalidEventError`): then a rule or a sender is wrong, and the event becomes a dead letter.
 * Ignoring it would hide the error. Events can come twice and in any order; `metadata.eventId` is
 * the same each time.
 */
export function subscribe<T extends EventType>(type: T, subscriber: Subscriber<T>): EventHandler;
export function subscribe(subscribers: Subscribers): EventHandler;
export function subscribe(what: EventType | Subscribers, subscriber?: Subscriber<EventType>): EventHandler {
  const subscribers = new Map(Object.entries(typeof what === "string" ? { [what]: subscriber } : what));
  for (const type of subscribers.keys()) {
    if (!isEventType(type))
      throw new UnknownEventError(`Can't subscribe to "${type}": it is not an event of "${SOURCE}"`);
  }
  return async (received, context) => {
    const { event, envelope } = receiveEvent(received);
    // The map's types don't say that a key's subscriber takes that key's data; the signatures above
    // do.
    const handle = subscribers.get(event.type) as Subscriber<typeof event.type> | undefined;
    if (handle !== undefined) return handle(event.data as never, { metadata: event.metadata, envelope, context });
    throw new UnknownEventError(
      `${event.type} reached a function that subscribes to ${[...subscribers.keys()].join(", ")}: its rule's pattern is too wide`,
    );
  };
}
