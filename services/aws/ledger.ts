import { createHash, randomUUID } from "node:crypto";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { AudioMade, Cost, Cut, Made } from "#events-schema";
import type { DeliveredSegment, Ledger, RecordedRanges } from "../split/ports/ledger.ts";
import { mapConcurrently } from "../video/concurrency.ts";
import { blockStart, type Hash, MAX_SALTS } from "../video/ids.ts";
import { addition, usageIn } from "./recorded-usage.ts";

/**
 * A claimed block of ids: the ledger never deletes it. The choice is added when the video is
 * planned.
 */
const Claim = z.object({ source: z.string() });
const Chosen = z
  .object({ segment_seconds: z.number(), cut: Cut, output_key_prefix: z.string(), first_attempt: z.string() })
  .transform(({ segment_seconds, cut, output_key_prefix, first_attempt }) => ({
    choice: { segmentSeconds: segment_seconds, cut, outputKeyPrefix: output_key_prefix },
    firstAttempt: first_attempt,
  }));

/** The attributes of the choice. */
const CHOICE = ["segment_seconds", "cut", "output_key_prefix", "first_attempt"];

/** The ranges of a video that several invocations cut; of those that are done, by their last segment. */
const Ranged = z
  .object({
    ranges: z.array(z.object({ first: z.number(), last: z.number() })),
    ranges_extension: z.string(),
    ranges_begun_at: z.number(),
    ranges_finished: z.record(z.string(), z.object({ undecodable_from: z.number().optional() })),
  })
  .transform(
    ({ ranges, ranges_extension, ranges_begun_at, ranges_finished }): RecordedRanges => ({
      ranges,
      extension: ranges_extension,
      begunAt: ranges_begun_at,
      finished: new Map(
        Object.entries(ranges_finished).map(([last, { undecodable_from }]) => [
          Number(last),
          { undecodableFrom: undecodable_from },
        ]),
      ),
    }),
  );

/** The stored attribute `sound` is the proof's `audio`. */
const StoredProof = z
  .object({
    frames: z.number(),
    undecodable: z.number().default(0),
    copiedFrames: z.number(),
    anchoredFrames: z.number().optional(),
    leastPsnr: z.number().optional(),
    hiddenPackets: z.int().optional(),
    start: z.number(),
    end: z.number(),
    size: z.tuple([z.number(), z.number()]).optional(),
    largestTimeError: z.number(),
    largestAudioOffset: z.number(),
    sound: z
      .array(z.object({ start: z.number(), end: z.number(), gapBefore: z.number(), largestGap: z.number() }).nullable())
      .optional(),
    stretches: z.array(z.object({ from: z.number(), to: z.number() })).optional(),
  })
  .transform(({ sound, ...proof }) => ({ ...proof, audio: sound }));

const Delivered = z.object({
  object: z.object({
    bucket: z.string(),
    prefixTemplate: z.string(),
    extension: z.string(),
    bytes: z.number(),
    checksum: z.string(),
    frames: z.number(),
    made: Made,
    videoCodec: z.string(),
    audioCodecs: z.array(z.string()),
    audioMade: AudioMade.optional(),
  }),
  proof: StoredProof,
  announced: z.boolean(),
});

/**
 * How long a segment is recorded: as long as dead letters are kept, and longer than a split takes.
 * If a segment is made again later, it has the same bytes.
 */
export const KEEP_SECONDS = 14 * 86_400;

/** Segments looked up at the same time. */
const MAX_CONCURRENT_READS = 25;

const epochSeconds = (): number => Math.floor(Date.now() / 1_000);

export const sha256: Hash = (text) => createHash("sha256").update(text).digest();

/** Final: no later ending replaces it. */
const SPLIT = "split";

const segmentKeyOf = (videoId: number, index: number): { id: string } => ({ id: `segment#${videoId}#${index}` });

export const blockKey = (videoId: number): { id: string } => ({ id: `block#${videoId}` });

/**
 * The ledger in DynamoDB: one item for each claimed block, written once under the condition that it
 * isn't there. `hash` is for tests that force two sources onto one block. Throws the SDK's errors.
 */
export function dynamoLedger(client: DynamoDBDocumentClient, TableName: string, hash: Hash = sha256): Ledger {
  const claim = async (videoId: number, source: string): Promise<boolean> => {
    const Item = { ...blockKey(videoId), source };
    try {
      await client.send(new PutCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
      return true;
    } catch (error) {
      if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
    }
    const taken = await client.send(new GetCommand({ TableName, Key: blockKey(videoId), ConsistentRead: true }));
    return Claim.parse(taken.Item).source === source;
  };

  return {
    claimBlock: async (identity) => {
      for (let salt = 0; salt < MAX_SALTS; salt += 1) {
        const videoId = blockStart(identity, salt, hash);
        if (await claim(videoId, identity)) return videoId;
      }
      throw new Error(`No free block of ids after ${MAX_SALTS} tries: is ${TableName} the ledger table?`);
    },

    choose: async (videoId, { segmentSeconds, cut, outputKeyPrefix }) => {
      const first = CHOICE.map((name) => `${name} = if_not_exists(${name}, :${name})`);
      // The same when the SDK sends the update again because the response was lost.
      const attempt = randomUUID();
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: blockKey(videoId),
          UpdateExpression: `SET ${first.join(", ")}`,
          ExpressionAttributeValues: {
            ":segment_seconds": segmentSeconds,
            ":cut": cut,
            ":output_key_prefix": outputKeyPrefix,
            ":first_attempt": attempt,
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      const { choice, firstAttempt } = Chosen.parse(Attributes);
      return { choice, isFirst: firstAttempt === attempt };
    },

    recall: async (videoId) => {
      const get = new GetCommand({ TableName, Key: blockKey(videoId), ConsistentRead: true });
      const { Item = {} } = await client.send(get);
      const choice = Item.first_attempt === undefined ? undefined : Chosen.parse(Item).choice;
      const ranges = Item.ranges === undefined ? undefined : Ranged.parse(Item);
      return { choice, isSplit: Item.ending === SPLIT, ranges };
    },

    release: async (videoId) => {
      await client.send(
        new UpdateCommand({
          TableName,
          Key: blockKey(videoId),
          UpdateExpression: `REMOVE ${CHOICE.join(", ")}`,
        }),
      );
    },

    recordEnding: async (videoId, ending) => {
      const update = new UpdateCommand({
        TableName,
        Key: blockKey(videoId),
        UpdateExpression: "SET ending = :ending",
        ConditionExpression: "attribute_not_exists(ending) OR ending <> :split",
        ExpressionAttributeValues: { ":ending": ending, ":split": SPLIT },
      });
      try {
        await client.send(update);
      } catch (error) {
        if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
      }
    },

    recordProgress: async (videoId, at) => {
      await client.send(
        new UpdateCommand({
          TableName,
          Key: blockKey(videoId),
          UpdateExpression: "SET progress_at = :at",
          ExpressionAttributeValues: { ":at": at },
        }),
      );
    },

    recordUsage: async (videoId, usage) => {
      const update = { TableName, Key: blockKey(videoId), ...addition(usage), ReturnValues: "ALL_NEW" as const };
      const { Attributes } = await client.send(new UpdateCommand(update));
      return usageIn(Attributes);
    },

    recordCost: async (videoId, cost) => {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: blockKey(videoId),
          UpdateExpression: "SET cost = if_not_exists(cost, :cost)",
          ExpressionAttributeValues: { ":cost": cost },
          ReturnValues: "ALL_NEW",
        }),
      );
      return Cost.parse(Attributes?.cost);
    },

    planRanges: async (videoId, { ranges, extension, begunAt }) => {
      const names = ["ranges", "ranges_extension", "ranges_begun_at", "ranges_finished"];
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: blockKey(videoId),
          UpdateExpression: `SET ${names.map((name) => `${name} = if_not_exists(${name}, :${name})`).join(", ")}`,
          ExpressionAttributeValues: {
            ":ranges": ranges,
            ":ranges_extension": extension,
            ":ranges_begun_at": begunAt,
            ":ranges_finished": {},
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      return Ranged.parse(Attributes);
    },

    finishRange: async (videoId, last, { undecodableFrom }) => {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: blockKey(videoId),
          UpdateExpression: "SET ranges_finished.#last = :finished",
          ExpressionAttributeNames: { "#last": String(last) },
          ExpressionAttributeValues: {
            ":finished": undecodableFrom === undefined ? {} : { undecodable_from: undecodableFrom },
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      return Ranged.parse(Attributes);
    },

    delivered: async (videoId, { first, last }, signal) => {
      const found = new Map<number, DeliveredSegment>();
      const read = async (index: number, abortSignal: AbortSignal) => {
        const get = new GetCommand({ TableName, Key: segmentKeyOf(videoId, index), ConsistentRead: true });
        const { Item } = await client.send(get, { abortSignal });
        // DynamoDB removes expired items within two days, and returns them until then.
        if (Item === undefined || Item.expiration < epochSeconds()) return;
        const { success, data } = Delivered.safeParse(Item);
        // A record of an older release: its segment is made again, with the same bytes.
        if (!success) return;
        const { object, proof, announced } = data;
        found.set(index, { object, proof, announced });
      };
      const indexes = Array.from({ length: last - first + 1 }, (_, at) => first + at);
      await mapConcurrently(indexes, MAX_CONCURRENT_READS, read, signal);
      return found;
    },

    recordSegment: async (videoId, index, { object, proof: { audio, ...measured }, announced }) => {
      const expiration = epochSeconds() + KEEP_SECONDS;
      const proof = { ...measured, ...(audio !== undefined && { sound: audio }) };
      const Item = { ...segmentKeyOf(videoId, index), object, proof, announced, expiration };
      await client.send(new PutCommand({ TableName, Item }));
    },
  };
}
