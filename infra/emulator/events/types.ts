import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * An event as targets receive it:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
 */
export type BusEvent = {
  version: "0";
  id: string;
  "detail-type": string;
  source: string;
  account: string;
  /** ISO 8601 in UTC, to the second. */
  time: string;
  region: string;
  resources: string[];
  detail: unknown;
  "replay-name"?: string;
};

export type InputTransformer = { inputPathsMap?: Record<string, string>; inputTemplate: string };

/** Where a rule sends events, and how often it retries. At most one of the three inputs is set. */
export type TargetSpec = {
  id: string;
  arn: string;
  /** `attempts` after the first one; `maxAgeSeconds` from when the bus accepted the event. */
  retry: { attempts: number; maxAgeSeconds: number };
  deadLetterArn?: string;
  /** JSON text that is delivered instead of the event. */
  input?: string;
  /** JSON path of the part of the event that is delivered. */
  inputPath?: string;
  inputTransformer?: InputTransformer;
};

export type Delivery = {
  /** A UUID: the same for each attempt, also after a restart. */
  id: string;
  bus: string;
  rule: string;
  /** 1 for the first. */
  attempt: number;
};

/** An event that could not be delivered to one target. */
export type DeadLetter = {
  rule: string;
  targetArn: string;
  /**
   * As EventBridge has them in `ERROR_CODE`:
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
   */
  errorCode: string;
  errorMessage: string;
  attempts: number;
  event: unknown;
};

export type ManagedRule = {
  name: string;
  bus: string;
  pattern: object;
  description?: string;
  /** Default: true. */
  isEnabled?: boolean;
  targets: TargetSpec[];
};

export type ManagedArchive = {
  name: string;
  bus: string;
  /** 0 keeps events without a limit. */
  retentionDays: number;
};

export type EventBridgeOptions = {
  /** The folder of the logs and the state; it must exist, and no other process may use it. */
  directory: string;
  region: string;
  account: string;
  /**
   * Buses, rules and archives that are restored at each opening, also after changes through the
   * API.
   */
  buses: string[];
  rules: ManagedRule[];
  archives: ManagedArchive[];
  /**
   * Resolves when the target has durably handled the event; a rejection is retried by the target's
   * policy.
   */
  deliver(target: TargetSpec, event: unknown, delivery: Delivery): Promise<void>;
  /**
   * Resolves when the dead letter is durable; a rejection is retried until it does, except for a
   * `TargetNotFoundError`: the queue is gone, and the event is dropped.
   */
  sendDeadLetter(arn: string, deadLetter: DeadLetter): Promise<void>;
  /** Milliseconds to wait after failed attempt number `attempt`. */
  retryDelayMs?(attempt: number): number;
};

type Unsubscribe = () => void;

/** Listeners are called synchronously and must not throw. */
export type LocalEventBridge = {
  /** Serves one request of EventBridge's API (AWS JSON 1.1). */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Puts a service's own events onto a bus; they are durable when it resolves. Throws for an
   * unknown bus.
   */
  put(bus: string, events: BusEvent[]): Promise<void>;
  /**
   * Resolves when no delivery and no replay is pending or running; rejects when the bridge is
   * closed first.
   */
  idle(): Promise<void>;
  /** Each event that a bus accepts or replays. */
  onEvent(listener: (bus: string, event: BusEvent) => void): Unsubscribe;
  onDelivered(listener: (target: TargetSpec, delivery: Delivery) => void): Unsubscribe;
  /**
   * Each event that could not be delivered; `arn` is undefined where the target has no dead-letter
   * queue: the event is lost.
   */
  onDeadLetter(listener: (arn: string | undefined, deadLetter: DeadLetter) => void): Unsubscribe;
  /**
   * The events that a bus has accepted, oldest first, without replayed ones. Throws for an unknown
   * bus.
   */
  log(bus: string): AsyncIterable<BusEvent>;
  /**
   * Starts no more deliveries; those that are pending or running continue at the next opening, with
   * the same ids.
   */
  close(): Promise<void>;
};
