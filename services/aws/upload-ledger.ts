import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod";
import type { UploadLedger } from "../reconciler/ports/upload-ledger.ts";
import { LeaseLostError } from "../video/errors.ts";
import { blockStart, type Hash, MAX_SALTS } from "../video/ids.ts";
import { blockKey, sha256 } from "./ledger.ts";

const Block = z.object({
  source: z.string(),
  ending: z.enum(["split", "rejected", "given up"]).optional(),
  progress_at: z.number().optional(),
});
const Counted = z.object({ requests: z.number(), last_request: z.number() });
const Progress = z.object({
  last: z.object({ asOf: z.number(), listCalls: z.number() }).optional(),
  pass: z
    .object({
      asOf: z.number(),
      place: z.object({ key: z.string(), versionId: z.string().optional() }).optional(),
      listCalls: z.number(),
      failures: z.number(),
    })
    .optional(),
});
const Reconciler = z.object({ progress: Progress.default({}) });

/** The reconciler's own item: its lease and its progress. */
const RECONCILER = { id: "reconciler" };

/** Longer than the time in which uploads are looked up. */
const KEEP_SECONDS = 60 * 86_400;

/** Resolves with undefined where the write's condition isn't met. */
async function ifAllowed<Output>(write: Promise<Output>): Promise<Output | undefined> {
  try {
    return await write;
  } catch (error) {
    if ((error as Error).name !== "ConditionalCheckFailedException") throw error;
    return undefined;
  }
}

/** The uploads in the ledger table, for the reconciler. Throws the SDK's errors. */
export function dynamoUploadLedger(
  client: DynamoDBDocumentClient,
  TableName: string,
  hash: Hash = sha256,
): UploadLedger {
  const countKey = (identity: string) => ({ id: `unfinished#${Buffer.from(hash(identity)).toString("hex")}` });
  const read = async (Key: { id: string }): Promise<unknown> =>
    (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;

  const blockOf = async (identity: string): Promise<z.infer<typeof Block> | undefined> => {
    for (let salt = 0; salt < MAX_SALTS; salt += 1) {
      const item = await read(blockKey(blockStart(identity, salt, hash)));
      if (item === undefined) return undefined;
      const block = Block.parse(item);
      if (block.source === identity) return block;
    }
    return undefined;
  };

  return {
    createdAt: async () => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      if (Table?.CreationDateTime === undefined) throw new Error(`DynamoDB doesn't say when ${TableName} was created`);
      return Math.floor(Table.CreationDateTime.getTime() / 1_000);
    },

    // The owner may take its own lease again: the SDK repeats the update if a response is lost.
    takeLease: async ({ owner, seconds }, now) => {
      const taken = await ifAllowed(
        client.send(
          new UpdateCommand({
            TableName,
            Key: RECONCILER,
            UpdateExpression: "SET lease_owner = :owner, lease_until = :until",
            ConditionExpression: "attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner",
            ExpressionAttributeValues: { ":owner": owner, ":until": now + seconds, ":now": now },
            ReturnValues: "ALL_NEW",
          }),
        ),
      );
      return taken && Reconciler.parse(taken.Attributes).progress;
    },

    saveProgress: async (owner, progress) => {
      const saved = await ifAllowed(
        client.send(
          new UpdateCommand({
            TableName,
            Key: RECONCILER,
            UpdateExpression: "SET progress = :progress",
            ConditionExpression: "lease_owner = :owner",
            ExpressionAttributeValues: { ":owner": owner, ":progress": progress },
          }),
        ),
      );
      if (saved === undefined) throw new LeaseLostError("Another run of the reconciler took over and continues.");
    },

    releaseLease: async (owner) => {
      await ifAllowed(
        client.send(
          new UpdateCommand({
            TableName,
            Key: RECONCILER,
            UpdateExpression: "REMOVE lease_owner, lease_until",
            ConditionExpression: "lease_owner = :owner",
            ExpressionAttributeValues: { ":owner": owner },
          }),
        ),
      );
    },

    stateOf: async (identity) => {
      const block = await blockOf(identity);
      return block === undefined ? "unknown" : (block.ending ?? "begun");
    },

    progressOf: async (identity) => (await blockOf(identity))?.progress_at,

    requestsFor: async (identity) => {
      const item = await read(countKey(identity));
      if (item === undefined) return { requests: 0, lastRequestAt: undefined };
      const { requests, last_request } = Counted.parse(item);
      return { requests, lastRequestAt: last_request };
    },

    // Sets the number instead of adding one: the SDK sends it again when the response is lost.
    countRequest: async (identity, request, now) => {
      await ifAllowed(
        client.send(
          new UpdateCommand({
            TableName,
            Key: countKey(identity),
            UpdateExpression: "SET requests = :request, last_request = :now, expiration = :expiration",
            ConditionExpression: "attribute_not_exists(requests) OR requests < :request",
            ExpressionAttributeValues: { ":request": request, ":now": now, ":expiration": now + KEEP_SECONDS },
          }),
        ),
      );
    },
  };
}
