import type { AddressInfo } from "node:net";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import dynalite from "dynalite";
import { vi } from "vitest";
import { SEGMENTS_INDEX } from "../../../infra/topology.ts";
import { documentClient } from "../../../services/aws/dynamodb.ts";

export const REGION = "eu-west-1";
export const TABLE = "videos";

export type VideosTable = { client: DynamoDBDocumentClient; close(): Promise<void> };

/** DynamoDB in memory on a free port, with the videos table; the environment points at it as it would in a function. */
export async function openVideosTable(): Promise<VideosTable> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const client = documentClient(REGION);
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "VideoId", KeyType: "HASH" }],
      AttributeDefinitions: ["VideoId", "parent_video", "segment_index"].map((AttributeName) => ({
        AttributeName,
        AttributeType: "N",
      })),
      GlobalSecondaryIndexes: [
        {
          IndexName: SEGMENTS_INDEX,
          KeySchema: [
            { AttributeName: "parent_video", KeyType: "HASH" },
            { AttributeName: "segment_index", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );
  return {
    client,
    close: async () => {
      client.destroy();
      vi.unstubAllEnvs();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
