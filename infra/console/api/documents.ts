import { setTimeout } from "node:timers/promises";
import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import { SEGMENTS_INDEX } from "../../topology.ts";
import { ConsoleError } from "./backend.ts";
import type { Place, SegmentView, VideoView } from "./types.ts";

/** Reads the documents' table. */
export type Documents = { client: DynamoDBDocumentClient; table: string };

type Item = Record<string, unknown>;

/** All that a `VideoView` has. `sub_videos` can be 250 KB long. */
const VIDEO_FIELDS = [
  ...["VideoId", "process_step", "creation_time", "bucket", "key", "name", "extension", "bytes", "status"],
  ...["size", "fps", "duration", "audio", "frames", "rejection", "proof", "truncated", "last_readable_time"],
  "undecodable",
];

const SEGMENT_FIELDS = [
  ...["VideoId", "parent_video", "segment_index", "name", "bytes", "duration", "start", "end", "frames"],
  ...["made", "audio_made", "size", "poster"],
];

const SOURCE_FIELDS = ["process_step", "bucket", "key", "bytes", "etag", "duration"];

const ADDRESS_FIELDS = ["VideoId", "bucket", "key", "poster"];

/** Names are reserved words, so each one is given by an alias. */
export const projectionOf = (fields: readonly string[]) => ({
  ProjectionExpression: fields.map((_, index) => `#f${index}`).join(", "),
  ExpressionAttributeNames: Object.fromEntries(fields.map((name, index) => [`#f${index}`, name])),
});

export const VIDEO_PROJECTION = projectionOf(VIDEO_FIELDS);

/** BatchGetItem's limit. */
const MAX_BATCH = 100;

/** Attempts at a batch of which a busy table leaves something, and milliseconds before the second one. */
const MAX_ATTEMPTS = 8;
const PAUSE_MS = 50;

async function items({ client, table }: Documents, ids: readonly number[], fields: readonly string[]): Promise<Item[]> {
  const found: Item[] = [];
  // BatchGetItem refuses a key that is there twice.
  const unique = [...new Set(ids)];
  for (let at = 0; at < unique.length; at += MAX_BATCH) {
    let Keys: Item[] | undefined = unique.slice(at, at + MAX_BATCH).map((VideoId) => ({ VideoId }));
    for (let attempt = 0; Keys !== undefined && Keys.length > 0; attempt += 1) {
      if (attempt === MAX_ATTEMPTS) throw new ConsoleError(503, "The table of the documents is busy. Try again later");
      if (attempt > 0) await setTimeout(PAUSE_MS * 2 ** (attempt - 1));
      const batch: BatchGetCommandOutput = await client.send(
        new BatchGetCommand({ RequestItems: { [table]: { ...projectionOf(fields), Keys } } }),
      );
      const { Responses, UnprocessedKeys } = batch;
      found.push(...(Responses?.[table] ?? []));
      Keys = UnprocessedKeys?.[table]?.Keys;
    }
  }
  return found;
}

/** Items that others began to write to, before any event came, aren't documents. */
export const isUpload = (item: Item): boolean => item.process_step === "upload";

export const viewOf = (item: Item): VideoView => item as VideoView;

/** Documents of uploads, in the order of `ids`. Those that aren't there are left out. */
export async function videosOf(documents: Documents, ids: readonly number[]): Promise<VideoView[]> {
  const found = new Map((await items(documents, ids, VIDEO_FIELDS)).map((item) => [item.VideoId, item]));
  return ids.flatMap((id) => {
    const item = found.get(id);
    return item !== undefined && isUpload(item) ? [viewOf(item)] : [];
  });
}

export async function documentOf({ client, table }: Documents, VideoId: number): Promise<Item | undefined> {
  const { Item } = await client.send(new GetCommand({ TableName: table, Key: { VideoId }, ConsistentRead: true }));
  return Item;
}

/** An uploaded object: its size, and the seconds of it that can be read. */
export type Source = Place & { bytes: number; etag?: string; duration?: number };

/** The object that an upload's document is about. Throws `ConsoleError` where there is no such upload. */
export async function sourceOf(documents: Documents, VideoId: number): Promise<Source> {
  const [item] = await items(documents, [VideoId], SOURCE_FIELDS);
  if (item === undefined || !isUpload(item)) throw new ConsoleError(404, `There is no upload ${VideoId}`);
  return item as Source;
}

/** Segments of a video by the table's index, from `from` on. */
export async function segmentsOf(
  { client, table }: Documents,
  videoId: number,
  { from, limit }: { from: number; limit: number },
): Promise<{ segments: SegmentView[]; more: boolean }> {
  const segments: SegmentView[] = [];
  let ExclusiveStartKey: Item | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: SEGMENTS_INDEX,
        ...projectionOf(SEGMENT_FIELDS),
        KeyConditionExpression: "parent_video = :video AND segment_index >= :from",
        ExpressionAttributeValues: { ":video": videoId, ":from": from },
        Limit: limit + 1 - segments.length,
        ExclusiveStartKey,
      }),
    );
    segments.push(...((page.Items ?? []) as SegmentView[]));
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined && segments.length <= limit);
  return { segments: segments.slice(0, limit), more: segments.length > limit };
}

/** Undefined for what isn't a bucket and a key. */
function placeIn(value: unknown): Place | undefined {
  const { bucket, key } = (value ?? {}) as Partial<Place>;
  return typeof bucket === "string" && typeof key === "string" ? { bucket, key } : undefined;
}

/** Where the objects of documents are, and their posters. */
export async function placesOf(
  documents: Documents,
  ids: readonly number[],
): Promise<Map<number, { media: Place; poster: Place | undefined }>> {
  const found = await items(documents, ids, ADDRESS_FIELDS);
  return new Map(
    found.flatMap((item) => {
      const media = placeIn(item);
      return media === undefined ? [] : [[Number(item.VideoId), { media, poster: placeIn(item.poster) }] as const];
    }),
  );
}
