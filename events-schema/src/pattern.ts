import type { EventType } from "./catalog.ts";
import { SOURCE } from "./envelope.ts";

/** An EventBridge pattern for these events of this service, wherever a rule wants one. */
export const patternOf = (...types: [EventType, ...EventType[]]): { source: string[]; "detail-type": EventType[] } => ({
  source: [SOURCE],
  "detail-type": types,
});
