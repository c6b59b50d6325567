import { setTimeout } from "node:timers/promises";
import { CreateTableCommand, DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { TableSpec } from "../topology.ts";

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
