import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { UploadLedger } from "../reconciler/ports/upload-ledger.ts";
import { blockStart, type Hash, MAX_SALTS } from "../video/ids.ts";
import { blockKey, sha256 } from "./ledger.ts";

const Block = z.object({ source: z.string(), ending: z.string().optional() });
const Counted = z.object({ requests: z.number(), last_request: z.number() });
const Beginning = z.object({ since: z.number() });

/** Longer than uploads are looked at. */
const REMEMBER_SECONDS = 30 * 86_400;

/** What the ledger table knows of uploads, for the reconciler. Throws the SDK's errors. */
export function dynamoUploadLedger(
  client: DynamoDBDocumentClient,
  TableName: string,
  hash: Hash = sha256,
): UploadLedger {
  const countKey = (identity: string) => ({ id: `unfinished#${Buffer.from(hash(identity)).toString("hex")}` });
  const read = async (Key: { id: string }): Promise<unknown> =>
    (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;

  return {
    beginning: async (now) => {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: { id: "reconciler" },
          UpdateExpression: "SET since = if_not_exists(since, :now)",
          ExpressionAttributeValues: { ":now": now },
          ReturnValues: "ALL_NEW",
        }),
      );
      return Beginning.parse(Attributes).since;
    },

    hasEnded: async (identity) => {
      for (let salt = 0; salt < MAX_SALTS; salt += 1) {
        const item = await read(blockKey(blockStart(identity, salt, hash)));
        if (item === undefined) return false;
        const { source, ending } = Block.parse(item);
        if (source === identity) return ending !== undefined;
      }
      return false;
    },

    requestsFor: async (identity) => {
      const item = await read(countKey(identity));
      if (item === undefined) return { requests: 0, lastRequestAt: undefined };
      const { requests, last_request } = Counted.parse(item);
      return { requests, lastRequestAt: last_request };
    },

    // Sets what it comes to instead of adding one: the SDK sends it again where an answer is lost.
    countRequest: async (identity, request, now) => {
      const update = new UpdateCommand({
        TableName,
        Key: countKey(identity),
        UpdateExpression: "SET requests = :request, last_request = :now, expiration = :expiration",
        ConditionExpression: "attribute_not_exists(requests) OR requests < :request",
        ExpressionAttributeValues: { ":request": request, ":now": now, ":expiration": now + REMEMBER_SECONDS },
      });
      try {
        await client.send(update);
      } catch (error) {
        if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
      }
    },
  };
}
