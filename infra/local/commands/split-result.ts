import { createWriteStream, mkdirSync, openSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, GetCommand, paginateQuery } from "@aws-sdk/lib-dynamodb";
import { isEvent, parseEvent, type VideoSplitEvent } from "#events-schema";
import type { SegmentDocument, UploadDocument } from "../../../services/projector/domain/document.ts";
import type { BusEvent } from "../../emulator/events/index.ts";
import { SEGMENTS_INDEX } from "../../topology.ts";
import { LOCAL_CREDENTIALS } from "../names.ts";
import type { Stack } from "../stack.ts";
import { withUserUmask } from "./private-files.ts";
import { type Place, s3Of } from "./video-file.ts";

/** What `npx video-split split --json` prints. */
export type SplitResult = {
  outcome: "split" | "rejected";
  video: UploadDocument;
  /** In order. */
  segments: SegmentDocument[];
  /** Of the video bus, in the order in which it accepted them. */
  events: BusEvent[];
  /** Paths of the segments in order, with --out. */
  files: string[];
};

/** The split ended neither in segments nor in a rejection. */
export class SplitFailedError extends Error {
  override name = "SplitFailedError";
}

type Terminal = VideoSplitEvent<"VideoSplit"> | VideoSplitEvent<"VideoRejected">;

function terminalEvent(events: BusEvent[]): Terminal | undefined {
  const ours = events.filter(isEvent).map(parseEvent);
  return ours.find((event): event is Terminal => event.type === "VideoSplit" || event.type === "VideoRejected");
}

async function whyNot(stack: Stack): Promise<string> {
  for (const queue of Object.keys(stack.topology.queues)) {
    const [deadLetter] = await stack.deadLetters.read(queue);
    if (deadLetter !== undefined) return `${deadLetter.source} failed: ${deadLetter.errorMessage}`;
  }
  return "the upload matched no rule. Check video_split.upload_key_prefix and video_split.accepted_extensions";
}

async function readDocuments(
  stack: Stack,
  VideoId: number,
): Promise<{ video: UploadDocument; segments: SegmentDocument[] }> {
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({ endpoint: stack.endpoint, region: stack.region, credentials: LOCAL_CREDENTIALS }),
  );
  try {
    const TableName = stack.names.videos;
    const { Item } = await client.send(new GetCommand({ TableName, Key: { VideoId }, ConsistentRead: true }));
    if (Item === undefined) throw new SplitFailedError(`The projector wrote no document: ${await whyNot(stack)}`);
    const segments: SegmentDocument[] = [];
    const query = {
      TableName,
      IndexName: SEGMENTS_INDEX,
      KeyConditionExpression: "parent_video = :video",
      ExpressionAttributeValues: { ":video": VideoId },
    };
    for await (const { Items = [] } of paginateQuery({ client }, query)) segments.push(...(Items as SegmentDocument[]));
    return { video: Item as UploadDocument, segments };
  } finally {
    client.destroy();
  }
}

async function download(stack: Stack, segments: SegmentDocument[], out: string): Promise<string[]> {
  withUserUmask(() => mkdirSync(out, { recursive: true }));
  const client = s3Of(stack);
  const files: string[] = [];
  try {
    for (const { bucket, key } of segments) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const file = resolve(join(out, basename(key)));
      const fd = withUserUmask(() => openSync(file, "w"));
      await pipeline(Readable.fromWeb(Body!.transformToWebStream() as never), createWriteStream(file, { fd }));
      files.push(file);
    }
  } finally {
    client.destroy();
  }
  return files;
}

/**
 * Reads the result of an upload from the log, the table and the bucket. Throws `SplitFailedError`.
 */
export async function collectResult(stack: Stack, upload: Place, out: string | undefined): Promise<SplitResult> {
  const events = await Array.fromAsync(stack.bridge.log(stack.names.bus));
  const terminal = terminalEvent(events);
  if (terminal === undefined) throw new SplitFailedError(`${upload.key} was not split: ${await whyNot(stack)}`);
  const { video, segments } = await readDocuments(stack, terminal.data.VideoId);
  const files = out === undefined ? [] : await download(stack, segments, out);
  return { outcome: terminal.type === "VideoSplit" ? "split" : "rejected", video, segments, events, files };
}
