import { setTimeout as delay } from "node:timers/promises";
import { type DynamoDBDocumentClient, GetCommand, type UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { canonical } from "../projector/domain/canonical.ts";
import type { VideoDocument, VideoRecord } from "../projector/domain/document.ts";
import type { VideoDocuments } from "../projector/ports/video-documents.ts";
import { ConditionalUpdate } from "./conditional-update.ts";
import { documentOf, type Item, OWNED_ATTRIBUTES, recordOf } from "./video-document-item.ts";

/**
 * Attempts of a write, and the maximum pause between two. An attempt fails only if the document was
 * changed between its read and its write. Only duplicates and the few events of a video write the
 * same document. All pauses together are shorter than the function's timeout.
 */
const MAX_ATTEMPTS = 12;
const BACKOFF_MS = 20;
const MAX_BACKOFF_MS = 1_000;

/** Other writers changed the document before each attempt. Retryable. */
export class ContendedDocumentError extends Error {
  override name = "ContendedDocumentError";
}

/** The table is missing, or is not one of video documents. */
export class VideoTableError extends Error {
  override name = "VideoTableError";
}

const TABLE_FAULTS = ["ResourceNotFoundException", "ValidationException"];

const explained = (table: string, error: unknown): unknown =>
  error instanceof Error && TABLE_FAULTS.includes(error.name)
    ? new VideoTableError(
        `The table "${table}" can't hold video documents (${error.name}: ${error.message}). Does dynamodb.table_id name a ` +
          "table in dynamodb.region whose only key is the number VideoId?",
        { cause: error },
      )
    : error;

const EVERY_ATTRIBUTE = ["VideoId", ...new Set(Object.values(OWNED_ATTRIBUTES).flat())];

/**
 * Reads only this service's attributes: others may hold values that JavaScript can't represent,
 * such as numbers of 38 digits.
 */
async function readItem(client: DynamoDBDocumentClient, TableName: string, VideoId: number): Promise<Item | undefined> {
  const read = new GetCommand({
    TableName,
    Key: { VideoId },
    ConsistentRead: true,
    ProjectionExpression: EVERY_ATTRIBUTE.map((_, index) => `#a${index}`).join(", "),
    ExpressionAttributeNames: Object.fromEntries(EVERY_ATTRIBUTE.map((name, index) => [`#a${index}`, name])),
  });
  try {
    return (await client.send(read)).Item;
  } catch (error) {
    throw explained(TableName, error);
  }
}

/**
 * Writes the attributes that changed, on the condition that none of ours has changed since the
 * read. A condition on the changed ones isn't enough: two folds that change different attributes
 * could then both be written, with a result that neither computed. Undefined where nothing changed.
 */
function updateOf(TableName: string, before: Item, after: VideoRecord): UpdateCommand | undefined {
  const next: Item = after;
  const update = new ConditionalUpdate();
  for (const attribute of OWNED_ATTRIBUTES[after.process_step ?? "timesplit"]) {
    const [old, now] = [before[attribute], next[attribute]];
    // 16,383 ids are too many for a condition, and can be computed from their number.
    if (attribute === "sub_videos" && Array.isArray(old)) update.expectLength(attribute, old.length);
    else update.expect(attribute, old);
    if (canonical(old) !== canonical(now)) update.set(attribute, now);
  }
  return update.command(TableName, { VideoId: after.VideoId });
}

/** False where the item was not as expected. */
async function write(client: DynamoDBDocumentClient, update: UpdateCommand): Promise<boolean> {
  try {
    await client.send(update);
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "ConditionalCheckFailedException") return false;
    throw error;
  }
}

/**
 * Video documents in DynamoDB. Attributes that others add to a document are neither read nor
 * written. Throws `VideoTableError`, `UnreadableDocumentError`, `ContendedDocumentError` and the
 * SDK's errors.
 */
export function dynamoVideoDocuments(
  client: DynamoDBDocumentClient,
  tableName: string,
): VideoDocuments & { get(VideoId: number): Promise<VideoDocument | undefined> } {
  return {
    get: async (VideoId) => documentOf(await readItem(client, tableName, VideoId)),

    evolve: async (VideoId, fold) => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const item = await readItem(client, tableName, VideoId);
        const update = updateOf(tableName, item ?? {}, fold(recordOf(item)));
        if (update === undefined) return "unchanged";
        if (await write(client, update)) return "changed";
        await delay(Math.random() * Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** attempt));
      }
      throw new ContendedDocumentError(`Document ${VideoId} was written by others at each of ${MAX_ATTEMPTS} attempts`);
    },
  };
}
