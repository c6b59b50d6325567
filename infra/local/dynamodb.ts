import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { CreateTableCommand, DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import type { TableSpec } from "../topology.ts";

export type LocalDynamoDB = {
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
};

/**
 * dynalite, with its tables in `directory`. It opens and closes its store with its own server, so that one listens on a
 * private socket that nobody uses; requests come through the stack's one port.
 */
export async function openDynamoDB(directory: string): Promise<LocalDynamoDB> {
  const server: Server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const sockets = await mkdtemp(join(tmpdir(), "video-split-dynamodb-"));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(join(sockets, "socket"), resolve);
  });
  return {
    handle: (request, response) => void server.emit("request", request, response),
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(sockets, { recursive: true, force: true });
    },
  };
}

const SCALAR = { number: "N", string: "S" } as const;

/** dynalite takes a moment to turn a new table active. */
const POLL_MS = 10;

/** Creates the topology's tables where they aren't there yet, and waits until they can be used. */
export async function createTables(client: DynamoDBClient, tables: (TableSpec & { name: string })[]): Promise<void> {
  for (const table of tables) {
    if ((await statusOf(client, table.name)) !== undefined) continue;
    const indexes = Object.entries(table.indexes);
    const keys = [table.key, ...indexes.flatMap(([, { hash, range }]) => [hash, range])];
    await client.send(
      new CreateTableCommand({
        TableName: table.name,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: table.key.name, KeyType: "HASH" }],
        AttributeDefinitions: keys.map(({ name, type }) => ({ AttributeName: name, AttributeType: SCALAR[type] })),
        ...(indexes.length > 0 && {
          GlobalSecondaryIndexes: indexes.map(([IndexName, { hash, range }]) => ({
            IndexName,
            KeySchema: [
              { AttributeName: hash.name, KeyType: "HASH" as const },
              { AttributeName: range.name, KeyType: "RANGE" as const },
            ],
            Projection: { ProjectionType: "ALL" as const },
          })),
        }),
      }),
    );
    while ((await statusOf(client, table.name)) !== "ACTIVE") await setTimeout(POLL_MS);
  }
}

async function statusOf(client: DynamoDBClient, TableName: string): Promise<string | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table?.TableStatus;
  } catch (error) {
    if ((error as Error).name === "ResourceNotFoundException") return undefined;
    throw error;
  }
}
