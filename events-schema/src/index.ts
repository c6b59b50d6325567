export { catalog, type EventData, type EventType, eventTypes, type VideoSplitEvent } from "./catalog.ts";
export { EventBridgeEnvelope, Metadata, SOURCE } from "./envelope.ts";
export {
  Cut,
  REJECTION_REASONS,
  Rejection,
  type RejectionReason,
  SegmentCreated,
  SplitPlanned,
  SplitRequested,
  VideoRejected,
  VideoSplit,
} from "./events.ts";
export { BLOCK_SIZE, MAX_SEGMENTS, segmentId, segmentIds } from "./ids.ts";
