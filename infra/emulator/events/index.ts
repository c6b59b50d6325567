export { openEventBridge } from "./bridge.ts";
export { compilePattern, InvalidEventPatternException } from "./pattern/index.ts";
export { TargetNotFoundError } from "./target.ts";
export type {
  BusEvent,
  DeadLetter,
  Delivery,
  EventBridgeOptions,
  InputTransformer,
  LocalEventBridge,
  ManagedArchive,
  ManagedRule,
  TargetSpec,
} from "./types.ts";
