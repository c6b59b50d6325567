import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { LOCAL_STAGE } from "../../infra/aws/deployed-names.ts";
import { redriveDeadLetters } from "../../infra/operations/redrive.ts";
import { findStageResources } from "../../infra/operations/stage-resources.ts";
import type { Document, Outcome } from "./essence.ts";
import { type HostOptions, StackHost } from "./stack-host.ts";
import { bytesOf, type Video } from "./videos.ts";

const NEVER = new AbortController().signal;

/** How long a stack that was killed may take to answer again. A loaded machine takes a minute. */
const MAX_AWAY_MS = 300_000;
const PAUSE_MS = 500;

/** Whether a request failed by the faults that are injected, or since nothing answers while the stack is started again. */
function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, code } = error as Partial<{ $metadata: { httpStatusCode?: number }; code: string }>;
  return code === "ECONNREFUSED" || ($metadata !== undefined && ($metadata.httpStatusCode ?? 500) >= 500);
}

/** While the stack is being started again there is no answer: clients retry until there is. */
const ATTEMPTS = 20;

/** A stack with faults, and the clients of its users. */
export class Harness {
  readonly host: StackHost;
  readonly #s3: S3Client;
  readonly #documents: DynamoDBDocumentClient;
  readonly #sqs: SQSClient;
  readonly #lambda: LambdaClient;
  readonly #tagging: ResourceGroupsTaggingAPIClient;

  private constructor(host: StackHost) {
    this.host = host;
    const { endpoint, region } = host.place;
    const credentials = { accessKeyId: "chaos", secretAccessKey: "chaos" };
    const config = { endpoint, region, credentials, maxAttempts: ATTEMPTS };
    this.#s3 = new S3Client(config);
    this.#documents = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    this.#sqs = new SQSClient(config);
    this.#lambda = new LambdaClient(config);
    this.#tagging = new ResourceGroupsTaggingAPIClient(config);
  }

  static open = async (options: HostOptions): Promise<Harness> => new Harness(await StackHost.open(options));

  async upload(Key: string, video: Video): Promise<void> {
    const object = { Body: await bytesOf(video), Metadata: video.metadata };
    const put = new PutObjectCommand({ Bucket: this.host.place.names.uploads, Key, ...object });
    // The SDK stops retrying early if many requests fail at the same time.
    for (const giveUpAt = Date.now() + MAX_AWAY_MS; ; await sleep(PAUSE_MS)) {
      try {
        await this.#s3.send(put);
        return;
      } catch (error) {
        if (!isTransient(error) || Date.now() > giveUpAt) throw error;
      }
    }
  }

  /** Redrives each dead letter once. Resolves with the number that is left. */
  async redrive(): Promise<number> {
    const resources = await findStageResources(this.#tagging, LOCAL_STAGE);
    let kept = 0;
    await redriveDeadLetters(
      { sqs: this.#sqs, lambda: this.#lambda, resources },
      () => true,
      (_deadLetter, { outcome }) => {
        if (outcome === "kept") kept += 1;
      },
      NEVER,
    );
    return kept;
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
    this.#sqs.destroy();
    this.#lambda.destroy();
    this.#tagging.destroy();
  }
}
