import { createHash } from "node:crypto";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import { Cut } from "#events-schema";
import { blockStart, type Hash } from "../split/domain/identity.ts";
import type { Ledger } from "../split/ports.ts";

/** A claimed block of ids: the ledger keeps it for ever. The choice is added when the video is planned. */
const Claim = z.object({ source: z.string() });
const Chosen = z.object({ segment_seconds: z.number(), cut: Cut, output_key_prefix: z.string() });

/** With 2^39 blocks, two collisions in a row are already a sign that something else is wrong. */
const MOST_SALTS = 64;

export const sha256: Hash = (text) => createHash("sha256").update(text).digest();

const keyOf = (videoId: number): { id: string } => ({ id: `block#${videoId}` });

/**
 * The ledger in DynamoDB: one item for each claimed block, written once under the condition that it isn't there.
 * `hash` is for tests that force two sources onto one block. Throws the SDK's errors.
 */
export function dynamoLedger(client: DynamoDBDocumentClient, TableName: string, hash: Hash = sha256): Ledger {
  const claim = async (videoId: number, source: string): Promise<boolean> => {
    const Item = { ...keyOf(videoId), source };
    try {
      await client.send(new PutCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }));
      return true;
    } catch (error) {
      if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
    }
    const taken = await client.send(new GetCommand({ TableName, Key: keyOf(videoId), ConsistentRead: true }));
    return Claim.parse(taken.Item).source === source;
  };

  return {
    claimBlock: async (identity) => {
      for (let salt = 0; salt < MOST_SALTS; salt += 1) {
        const videoId = blockStart(identity, salt, hash);
        if (await claim(videoId, identity)) return videoId;
      }
      throw new Error(`No free block of ids after ${MOST_SALTS} tries: is ${TableName} the ledger table?`);
    },

    choose: async (videoId, { segmentSeconds, cut, outputKeyPrefix }) => {
      const first = ["segment_seconds", "cut", "output_key_prefix"].map(
        (name) => `${name} = if_not_exists(${name}, :${name})`,
      );
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: keyOf(videoId),
          UpdateExpression: `SET ${first.join(", ")}`,
          ExpressionAttributeValues: {
            ":segment_seconds": segmentSeconds,
            ":cut": cut,
            ":output_key_prefix": outputKeyPrefix,
          },
          ReturnValues: "ALL_NEW",
        }),
      );
      const chosen = Chosen.parse(Attributes);
      return { segmentSeconds: chosen.segment_seconds, cut: chosen.cut, outputKeyPrefix: chosen.output_key_prefix };
    },
  };
}
