import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { replayLog } from "../../infra/operations/replay.ts";
import { eventBridgePublisher } from "../../services/aws/event-publisher.ts";
import type { Document, Outcome } from "./essence.ts";
import { type HostOptions, StackHost } from "./stack-host.ts";

const NEVER = new AbortController().signal;

/** While the stack is being started again nobody answers: asked again until somebody does. */
const ATTEMPTS = 20;

export type Video = { body: Buffer; metadata: Record<string, string> };

/** A stack with faults, seen through the clients that its users have. */
export class Harness {
  readonly host: StackHost;
  readonly #s3: S3Client;
  readonly #documents: DynamoDBDocumentClient;
  readonly #events: EventBridgeClient;

  private constructor(host: StackHost) {
    this.host = host;
    const { endpoint, region } = host.place;
    const credentials = { accessKeyId: "chaos", secretAccessKey: "chaos" };
    const config = { endpoint, region, credentials, maxAttempts: ATTEMPTS };
    this.#s3 = new S3Client(config);
    this.#documents = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    this.#events = new EventBridgeClient(config);
  }

  static open = async (options: HostOptions): Promise<Harness> => new Harness(await StackHost.open(options));

  upload = (Key: string, { body, metadata }: Video) =>
    this.#s3.send(new PutObjectCommand({ Bucket: this.host.place.names.uploads, Key, Body: body, Metadata: metadata }));

  /** Asks for an upload again, as the redrive of a dead letter does. */
  async ask(key: string): Promise<void> {
    const eventId = randomUUID();
    const metadata = {
      ...{ eventId, version: 1, correlationId: eventId, causationId: eventId },
      occurredAt: new Date().toISOString(),
    };
    const { uploads, bus } = this.host.place.names;
    const data = { bucket: uploads, key, reason: "redrive" as const };
    await eventBridgePublisher(this.#events, bus).publish({ type: "SplitRequested", metadata, data });
  }

  replay(): Promise<unknown> {
    const { bus, archive, videos: table } = this.host.place.names;
    const deployment = { events: this.#events, documents: this.#documents, bus, archive, table, settledMs: 500 };
    return replayLog(deployment, { from: new Date(0), to: new Date(Date.now() + 1_000) }, () => {}, NEVER);
  }

  async #allDocuments(): Promise<Document[]> {
    const items: Document[] = [];
    const pages = paginateScan({ client: this.#documents }, { TableName: this.host.place.names.videos });
    for await (const { Items = [] } of pages) items.push(...(Items as Document[]));
    return items;
  }

  events = async (): Promise<VideoSplitEvent[]> => (await this.host.ask("events")).map(parseEvent);

  async #objects(): Promise<Outcome["objects"]> {
    const sizes = new Map<string, number | undefined>();
    const pages = paginateListObjectsV2({ client: this.#s3 }, { Bucket: this.host.place.names.segments });
    for await (const { Contents = [] } of pages) for (const { Key = "", Size } of Contents) sizes.set(Key, Size);
    return sizes;
  }

  outcome = async (): Promise<Outcome> => ({
    documents: await this.#allDocuments(),
    events: await this.events(),
    objects: await this.#objects(),
  });

  close(): void {
    this.#s3.destroy();
    this.#documents.destroy();
    this.#events.destroy();
  }
}
