import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { parseEvent, type VideoSplitEvent } from "#events-schema";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { openStack, type Stack } from "../../infra/local/stack.ts";
import { replayLog } from "../../infra/operations/replay.ts";
import { parseSettings } from "../../infra/settings.ts";
import { eventBridgePublisher } from "../../services/aws/event-publisher.ts";
import { makeMedia } from "../fixtures/media.ts";
import { randomFrom } from "../fixtures/random.ts";
import { type Faults, HARNESS, type Kind, seededFaults } from "./faults.ts";

/** Uploads that are under way together. */
const TOGETHER = 10;

const NEVER = new AbortController().signal;

export type ChaosOutcome = {
  runs: number;
  faults: Record<Kind, number>;
  /** Runs in which something differed from the run without faults: their keys, and how. */
  wrong: string[];
  /** Dead letters that the faults led to, all of them cleared by a redrive. */
  deadLetters: number;
  /** Announcements beyond the first of the same fact. */
  repeated: number;
  seconds: number;
};

type Document = Record<string, unknown> & { VideoId: number; key: string };

type Outcome = {
  documents: Document[];
  events: VideoSplitEvent[];
  /** Bytes of the objects in the output bucket, by key. */
  objects: Map<string, number | undefined>;
};

/** Everything about a video that doesn't tell which upload it was, or when. */
function essence({ documents, events, objects }: Outcome, key: string): string {
  const video = documents.find((document) => document.key === key);
  if (video === undefined) return "no document";
  const segments = documents
    .filter(({ parent_video }) => parent_video === video.VideoId)
    .sort((one, other) => one.VideoId - other.VideoId);
  const told = new Map<string, string>();
  for (const { type, metadata, data } of events) {
    const about = "parent_video" in data ? data.parent_video : "VideoId" in data ? data.VideoId : undefined;
    if (about === video.VideoId) told.set(metadata.eventId, type);
  }
  const { status, frames, duration, proof, sub_videos } = video;
  return JSON.stringify({
    upload: {
      status,
      frames,
      duration,
      proof,
      segments: (sub_videos as number[] | undefined)?.map((id) => id - video.VideoId),
    },
    segments: segments.map(({ segment_index, bytes, checksum, frames: count, start, end, made, ...segment }) => ({
      ...{ segment_index, bytes, checksum, count, start, end, made, stored: objects.get(segment.key) },
    })),
    events: [...told.values()].sort(),
  });
}

class Harness {
  readonly stack: Stack;
  readonly #s3: S3Client;
  readonly #documents: DynamoDBDocumentClient;
  readonly #events: EventBridgeClient;

  constructor(stack: Stack) {
    this.stack = stack;
    const credentials = { accessKeyId: HARNESS, secretAccessKey: "x" };
    const config = { endpoint: stack.endpoint, region: stack.region, credentials };
    this.#s3 = new S3Client(config);
    this.#documents = DynamoDBDocumentClient.from(new DynamoDBClient(config));
    this.#events = new EventBridgeClient(config);
  }

  upload = (Key: string, Body: Buffer) =>
    this.#s3.send(
      new PutObjectCommand({ Bucket: this.stack.names.uploads, Key, Body, Metadata: { "segment-seconds": "2" } }),
    );

  /** Asks for an upload again, as a second delivery of it or as the redrive of a dead letter. */
  async ask(key: string): Promise<void> {
    const eventId = randomUUID();
    const metadata = {
      eventId,
      version: 1,
      correlationId: eventId,
      causationId: eventId,
      occurredAt: new Date().toISOString(),
    };
    const data = { bucket: this.stack.names.uploads, key, reason: "redrive" as const };
    await eventBridgePublisher(this.#events, this.stack.names.bus).publish({ type: "SplitRequested", metadata, data });
  }

  replay = () =>
    replayLog(
      {
        events: this.#events,
        documents: this.#documents,
        bus: this.stack.names.bus,
        archive: this.stack.names.archive,
        table: this.stack.names.videos,
        settledMs: 500,
      },
      { from: new Date(0), to: new Date(Date.now() + 1_000) },
      () => {},
      NEVER,
    );

  async #allDocuments(): Promise<Document[]> {
    const items: Document[] = [];
    const pages = paginateScan({ client: this.#documents }, { TableName: this.stack.names.videos });
    for await (const { Items = [] } of pages) items.push(...(Items as Document[]));
    return items;
  }

  async events(): Promise<VideoSplitEvent[]> {
    const events: VideoSplitEvent[] = [];
    for await (const event of this.stack.bridge.log(this.stack.names.bus)) events.push(parseEvent(event));
    return events;
  }

  async #objects(): Promise<Outcome["objects"]> {
    const sizes: Outcome["objects"] = new Map();
    const pages = paginateListObjectsV2({ client: this.#s3 }, { Bucket: this.stack.names.segments });
    for await (const { Contents = [] } of pages) for (const { Key = "", Size } of Contents) sizes.set(Key, Size);
    return sizes;
  }

  outcome = async (): Promise<Outcome> => ({
    documents: await this.#allDocuments(),
    events: await this.events(),
    objects: await this.#objects(),
  });

  /** As texts. */
  async deadLetters(): Promise<string[]> {
    const queues = Object.keys(this.stack.topology.queues);
    const letters = (await Promise.all(queues.map((queue) => this.stack.deadLetters.read(queue)))).flat();
    return letters.map((letter) => JSON.stringify(letter));
  }

  close(): Promise<void> {
    this.#s3.destroy();
    this.#events.destroy();
    return this.stack.close();
  }
}

async function withHarness<T>(faults: Faults | undefined, work: (harness: Harness) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
  const stack = await openStack({
    settings: parseSettings({ "video_split.concurrency": 4 }),
    directory,
    port: 0,
    root: PROJECT_ROOT,
    watch: false,
    functionRetryMs: () => 50,
    ...(faults === undefined ? {} : { intercept: faults.intercept }),
  });
  const harness = new Harness(stack);
  try {
    return await work(harness);
  } finally {
    await harness.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Splits a small video as often as asked under seeded faults, and compares what each came to with a run without faults:
 * documents, checksums of the objects, and the ids of the events.
 */
export async function chaos(runs: number, seed: number, onProgress: (done: number) => void): Promise<ChaosOutcome> {
  const begun = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "video-split-chaos-"));
  try {
    const video = await readFile(await makeMedia(folder, "b-frames.mp4"));
    const expected = await withHarness(undefined, async (harness) => {
      await harness.upload("uploads/calm.mp4", video);
      await harness.stack.idle();
      const calm = essence(await harness.outcome(), "uploads/calm.mp4");
      if (!calm.includes('"status":"split"')) throw new Error(`Without any fault the split came to ${calm}`);
      return calm;
    });

    const faults = seededFaults(seed);
    const random = randomFrom(seed + 1);
    return await withHarness(faults, async (harness) => {
      const keys = Array.from({ length: runs }, (_, run) => `uploads/${run}.mp4`);
      for (let at = 0; at < runs; at += TOGETHER) {
        const batch = keys.slice(at, at + TOGETHER);
        await Promise.all(
          batch.map(async (key) => {
            await harness.upload(key, video);
            // Deliveries may come twice, at once or later.
            if (random() < 0.3) await harness.ask(key);
          }),
        );
        await harness.stack.idle();
        onProgress(at + batch.length);
      }

      faults.enabled = false;
      const letters = await harness.deadLetters();
      const unfinished = new Set(keys);
      for (const event of await harness.events()) if (event.type === "VideoSplit") unfinished.delete(event.data.key);
      // What didn't come to its end must lie in a dead-letter queue, whence it can be brought home.
      const lost = [...unfinished].filter((key) => !letters.some((letter) => letter.includes(JSON.stringify(key))));
      for (const key of unfinished) await harness.ask(key);
      await harness.stack.idle();
      // What the projector's dead letters told is in the log.
      if (letters.length > 0) await harness.replay();
      await harness.stack.idle();

      const outcome = await harness.outcome();
      const wrong = keys.flatMap((key) => {
        const found = essence(outcome, key);
        return found === expected ? [] : [`${key} with seed ${seed}:\n  ${found}\n  instead of\n  ${expected}`];
      });
      wrong.push(...lost.map((key) => `${key} with seed ${seed}: lost without a dead letter`));
      const facts = outcome.events.filter(({ type }) => type !== "SplitRequested");
      const repeated = facts.length - new Set(facts.map(({ metadata }) => metadata.eventId)).size;
      const seconds = (performance.now() - begun) / 1_000;
      return { runs, faults: faults.counts, wrong, deadLetters: letters.length, repeated, seconds };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
