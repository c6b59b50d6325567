import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { onTestFinished } from "vitest";
import {
  type BusEvent,
  type DeadLetter,
  type Delivery,
  type EventBridgeOptions,
  type LocalEventBridge,
  openEventBridge,
  type TargetSpec,
} from "../../../infra/emulator/events/index.ts";
import { temporaryFolder } from "../../fixtures/temporary.ts";

export const REGION = "eu-west-1";
export const ACCOUNT = "000000000000";
export const FUNCTION = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:one`;
export const OTHER_FUNCTION = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:other`;
export const QUEUE = `arn:aws:sqs:${REGION}:${ACCOUNT}:deadLetters`;
export const busArn = (name: string): string => `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${name}`;
export const ruleArn = (path: string): string => `arn:aws:events:${REGION}:${ACCOUNT}:rule/${path}`;
export const archiveArn = (name: string): string => `arn:aws:events:${REGION}:${ACCOUNT}:archive/${name}`;

export const RETRY = { attempts: 185, maxAgeSeconds: 86_400 };

/** A target of a managed rule. */
export const target = (id: string, more: Partial<TargetSpec> = {}): TargetSpec => ({
  id,
  arn: FUNCTION,
  retry: RETRY,
  ...more,
});

export type Received = { target: TargetSpec; event: BusEvent; delivery: Delivery };

export type Opened = {
  bridge: LocalEventBridge;
  client: EventBridgeClient;
  endpoint: string;
  /** What was delivered, in order, failed attempts included. */
  received: Received[];
  deadLetters: { arn: string; deadLetter: DeadLetter }[];
};

/** Opens a bridge whose targets record what they get, with its own server, until the test ends. */
export async function openBridge(options: Partial<EventBridgeOptions> = {}): Promise<Opened> {
  const received: Received[] = [];
  const deadLetters: Opened["deadLetters"] = [];
  const { deliver = async () => {}, sendDeadLetter = async () => {}, ...rest } = options;
  const bridge = await openEventBridge({
    directory: options.directory ?? (await temporaryFolder()),
    region: REGION,
    account: ACCOUNT,
    buses: ["video"],
    rules: [],
    archives: [],
    retryDelayMs: () => 1,
    ...rest,
    deliver: async (to, event, delivery) => {
      received.push({ target: to, event: event as BusEvent, delivery });
      await deliver(to, event, delivery);
    },
    sendDeadLetter: async (arn, deadLetter) => {
      await sendDeadLetter(arn, deadLetter);
      deadLetters.push({ arn, deadLetter });
    },
  });
  onTestFinished(() => bridge.close());
  const server = createServer(bridge.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new EventBridgeClient({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
  onTestFinished(() => client.destroy());
  return { bridge, client, endpoint, received, deadLetters };
}

let made = 0;

/** An event as a service of the stack puts it. */
export const busEvent = (detail: object = {}, more: Partial<BusEvent> = {}): BusEvent => ({
  version: "0",
  id: `event-${made++}`,
  "detail-type": "Made",
  source: "test",
  account: ACCOUNT,
  time: "2026-01-02T03:04:05Z",
  region: REGION,
  resources: [],
  detail,
  ...more,
});

/** An entry of PutEvents. */
export const entry = (detail: object = {}, more: object = {}) => ({
  Source: "test",
  DetailType: "Made",
  Detail: JSON.stringify(detail),
  EventBusName: "video",
  ...more,
});

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
