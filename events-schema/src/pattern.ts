import type { EventType } from "./catalog.ts";
import { SOURCE } from "./envelope.ts";

/** The EventBridge pattern of a rule for these events of this service. */
export const patternOf = (...types: [EventType, ...EventType[]]): { source: string[]; "detail-type": EventType[] } => ({
  source: [SOURCE],
  "detail-type": types,
});
