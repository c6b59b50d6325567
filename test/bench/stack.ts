import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { LOCAL_CREDENTIALS } from "../../infra/local/names.ts";
import { PROJECT_ROOT } from "../../infra/local/project.ts";
import { openStack, type Stack, type StackOptions } from "../../infra/local/stack.ts";
import { parseSettings } from "../../infra/settings.ts";

export type BenchStack = {
  stack: Stack;
  /** Of its state. */
  directory: string;
  s3: S3Client;
  tables: DynamoDBClient;
  documents: DynamoDBDocumentClient;
  events: EventBridgeClient;
};

/** A stack of its own for one measurement, with clients. */
export async function withStack<T>(
  settings: Record<string, unknown>,
  work: (bench: BenchStack) => Promise<T>,
  options: Partial<StackOptions> = {},
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "video-split-bench-"));
  try {
    const stack = await openStack({
      settings: parseSettings({ "poster.enabled": false, ...settings }),
      directory,
      port: 0,
      root: PROJECT_ROOT,
      watch: false,
      ...options,
    });
    const config = { endpoint: stack.endpoint, region: stack.region, credentials: LOCAL_CREDENTIALS };
    const s3 = new S3Client(config);
    const tables = new DynamoDBClient(config);
    const documents = DynamoDBDocumentClient.from(tables);
    const events = new EventBridgeClient(config);
    try {
      return await work({ stack, directory, s3, tables, documents, events });
    } finally {
      for (const client of [s3, tables, events]) client.destroy();
      await stack.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
