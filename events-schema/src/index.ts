export {
  catalog,
  type EventData,
  type EventType,
  eventTypes,
  isEventType,
  type VideoSplitEvent,
} from "./catalog.ts";
export { type ContractCase, contractCases } from "./contract-cases.ts";
export { type CreatedEvent, createEvent } from "./create-event.ts";
export { type Envelope, EventBridgeEnvelope, Metadata, SOURCE } from "./envelope.ts";
export {
  type Fault,
  InvalidEventError,
  isInvalidEventError,
  isUnknownEventError,
  UnknownEventError,
} from "./errors.ts";
export { eventSchema } from "./event-schema.ts";
export {
  AudioMade,
  Cost,
  Cut,
  Made,
  PosterCreated,
  Proof,
  REFUSAL_REASONS,
  REJECTION_REASONS,
  type RefusalReason,
  Rejection,
  type RejectionReason,
  RequestRefused,
  SegmentCreated,
  SegmentRangeRequested,
  SplitPlanned,
  SplitRequested,
  VideoRejected,
  VideoSplit,
} from "./events.ts";
export { type ExampleEvent, exampleOf } from "./examples.ts";
export { BLOCK_SIZE, eventId, type Hash, MAX_SEGMENTS, segmentId, segmentIds, uuidOf } from "./ids.ts";
export { isEvent, parseEvent } from "./parse-event.ts";
export { patternOf } from "./pattern.ts";
export {
  type Delivery,
  type EventHandler,
  type LambdaContext,
  type Subscriber,
  type Subscribers,
  subscribe,
} from "./subscribe.ts";
