import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { archiveName, LOCAL_STAGE, stageName } from "../aws/deployed-names.ts";
import { UsageError } from "../command-line/run.ts";
import { LOCAL_CREDENTIALS, LOCAL_NAMES } from "../local/names.ts";
import { loadSettings } from "../local/project.ts";
import { createTables } from "../local/tables.ts";
import type { Settings } from "../settings.ts";
import { TABLES } from "../topology.ts";
import { documentsTableOf } from "./projector.ts";
import type { DeadLetterAccess } from "./redrive.ts";
import type { Deployment } from "./replay.ts";
import { findStageResources, functionArnOf } from "./stage-resources.ts";
import type { TailPlace } from "./tail.ts";

const LOCAL_PORT = "4566";

/** Options of the commands that work on a deployment. */
export const WHERE_OPTIONS = {
  local: { type: "boolean", default: false },
  port: { type: "string" },
  stage: { type: "string" },
} as const;

export type Where = {
  local?: boolean | undefined;
  port?: string | undefined;
  stage?: string | undefined;
};

/**
 * A client's configuration: the local stack's endpoint; none for AWS, whose clients find theirs.
 */
type ClientConfig = { region: string; endpoint?: string; credentials?: typeof LOCAL_CREDENTIALS; maxAttempts?: number };

function assertOnePlace({ local, port, stage }: Where): void {
  if (stage !== undefined && (local || port !== undefined))
    throw new UsageError(
      "--stage is for a deployed stage, and --local and --port for this machine: specify one or the other",
    );
}

function clientConfig(settings: Settings, { port, stage }: Where): ClientConfig {
  const region = settings["dynamodb.region"];
  if (stage !== undefined) return { region };
  return {
    region,
    endpoint: `http://127.0.0.1:${port ?? LOCAL_PORT}`,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 2,
  };
}

async function open(where: Where) {
  assertOnePlace(where);
  const stage = where.stage ?? LOCAL_STAGE;
  const config = clientConfig(await loadSettings(stage), where);
  const resources = await findStageResources(new ResourceGroupsTaggingAPIClient(config), stage);
  return { config, resources };
}

/**
 * Lambda waits for up to five minutes before it tries a throttled asynchronous invocation again.
 */
const SETTLED_MS = 330_000;

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html */
const ARCHIVING_MS = 600_000;

/**
 * The stack that runs on this machine, or exactly this stage on AWS. Throws `StageNotFoundError`.
 */
export async function openDeployment(where: Where): Promise<Deployment & { s3: S3Client }> {
  const { config, resources } = await open(where);
  const { stage } = where;
  const projectorArn = functionArnOf(resources, "projector");
  const tables = new DynamoDBClient(config);
  const table = await documentsTableOf(new LambdaClient(config), projectorArn);
  // The table was dropped. On AWS a deployment creates it.
  if (stage === undefined) await createTables(tables, [{ ...TABLES.videos, name: table }]);
  return {
    s3: new S3Client(config),
    events: new EventBridgeClient(config),
    documents: DynamoDBDocumentClient.from(tables),
    bus: stage === undefined ? LOCAL_NAMES.bus : stageName(stage),
    archive: stage === undefined ? LOCAL_NAMES.archive : archiveName(stage),
    projectorArn,
    table,
    settledMs: stage === undefined ? 2_000 : SETTLED_MS,
    archivingMs: stage === undefined ? 0 : ARCHIVING_MS,
  };
}

/** The video bus of the same, to follow. Throws `StageNotFoundError`. */
export async function openTailPlace(where: Where): Promise<TailPlace> {
  const { config } = await open(where);
  const { stage } = where;
  return {
    events: new EventBridgeClient(config),
    sqs: new SQSClient(config),
    bus: stage === undefined ? LOCAL_NAMES.bus : stageName(stage),
  };
}

/** The maximum time for which a function runs and a client waits for its result. Milliseconds. */
const MAX_INVOCATION_MS = 900_000;

/**
 * The dead-letter queues of the stack or stage, and the functions of their events. Throws
 * `StageNotFoundError`.
 */
export async function openDeadLetters(where: Where): Promise<DeadLetterAccess> {
  const { config, resources } = await open(where);
  return {
    resources,
    sqs: new SQSClient(config),
    lambda: new LambdaClient({
      ...config,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: 5_000,
        requestTimeout: MAX_INVOCATION_MS + 30_000,
        throwOnRequestTimeout: true,
      }),
    }),
  };
}
