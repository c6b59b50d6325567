import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { UsageError } from "../command-line/run.ts";
import { loadSettings } from "../local/project.ts";
import { LOCAL_CREDENTIALS } from "../local/stack.ts";
import { LOCAL_NAMES } from "../topology.ts";
import type { Deployment } from "./replay.ts";

const LOCAL_PORT = "4566";

/** Of the commands that work on a deployment. */
export const WHERE_OPTIONS = {
  local: { type: "boolean", default: false },
  port: { type: "string" },
  stage: { type: "string" },
} as const;

export type Where = {
  local?: boolean | undefined;
  port?: string | undefined;
  stage?: string | undefined;
  table?: string | undefined;
};

/** The stack that runs on this machine, or a stage on AWS by the names that it gives its resources. */
export async function openDeployment({ local, port, stage, table }: Where): Promise<Deployment & { s3: S3Client }> {
  if (stage !== undefined && (local || port !== undefined))
    throw new UsageError(
      "--stage is a deployed one, and --local and --port are of this machine: give one or the other",
    );
  if (stage !== undefined) return deployedStage(stage, table);
  const settings = await loadSettings("local");
  const config = {
    endpoint: `http://127.0.0.1:${port ?? LOCAL_PORT}`,
    region: settings["dynamodb.region"],
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 2,
  };
  return {
    s3: new S3Client(config),
    events: new EventBridgeClient(config),
    documents: DynamoDBDocumentClient.from(new DynamoDBClient(config)),
    bus: LOCAL_NAMES.bus,
    archive: LOCAL_NAMES.archive,
    table: table ?? settings["dynamodb.table_id"] ?? LOCAL_NAMES.videos,
    settledMs: 2_000,
  };
}

/** As infra/aws names it. */
const APP = "video-split";

async function deployedStage(stage: string, named: string | undefined): Promise<Deployment & { s3: S3Client }> {
  const settings = await loadSettings(stage);
  const table = named ?? settings["dynamodb.table_id"] ?? undefined;
  if (table === undefined)
    throw new UsageError('--table is missing: the name that the deployment of this stage printed as "documents"');
  const region = settings["dynamodb.region"];
  return {
    s3: new S3Client({ region }),
    events: new EventBridgeClient({ region }),
    documents: DynamoDBDocumentClient.from(new DynamoDBClient({ region })),
    bus: `${APP}-${stage}`,
    archive: `${APP}-${stage}-log`,
    table,
    settledMs: 20_000,
  };
}
