import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { UsageError } from "../command-line/run.ts";
import { loadSettings } from "../local/project.ts";
import { LOCAL_CREDENTIALS } from "../local/stack.ts";
import { createTables } from "../local/tables.ts";
import type { Settings } from "../settings.ts";
import { LOCAL_NAMES, TABLES } from "../topology.ts";
import type { DeadLetterOffice } from "./dead-letters.ts";
import { documentsTableOf, findProjector } from "./projector.ts";
import type { Deployment } from "./replay.ts";

const LOCAL_PORT = "4566";

/** The stage whose settings the local stack has. */
const LOCAL = "local";

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
};

/** What a client is made with: the local stack's endpoint, or the ways that AWS's clients find theirs. */
type ClientConfig = { region: string; endpoint?: string; credentials?: typeof LOCAL_CREDENTIALS; maxAttempts?: number };

function assertOnePlace({ local, port, stage }: Where): void {
  if (stage !== undefined && (local || port !== undefined))
    throw new UsageError(
      "--stage is a deployed one, and --local and --port are of this machine: give one or the other",
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

/** As infra/aws names things. */
const APP = "video-split";

/** The stack that runs on this machine, or a stage on AWS by the names that it gives its resources. */
export async function openDeployment(where: Where): Promise<Deployment & { s3: S3Client }> {
  assertOnePlace(where);
  const { stage } = where;
  const settings = await loadSettings(stage ?? LOCAL);
  const config = clientConfig(settings, where);
  const events = new EventBridgeClient(config);
  const bus = stage === undefined ? LOCAL_NAMES.bus : `${APP}-${stage}`;
  const tables = new DynamoDBClient(config);
  const table = await documentsTableOf(new LambdaClient(config), await findProjector(events, bus));
  // One that was dropped: on AWS it's a deployment's to make.
  if (stage === undefined) await createTables(tables, [{ ...TABLES.videos, name: table }]);
  return {
    s3: new S3Client(config),
    events,
    documents: DynamoDBDocumentClient.from(tables),
    bus,
    archive: stage === undefined ? LOCAL_NAMES.archive : `${APP}-${stage}-log`,
    table,
    settledMs: stage === undefined ? 2_000 : 20_000,
  };
}

/** A function's longest, for an answer that comes when it has ended. Milliseconds. */
const LONGEST_INVOCATION_MS = 900_000;

/** The dead-letter queues of the same, and the functions behind them. */
export async function openDeadLetterOffice(where: Where): Promise<DeadLetterOffice> {
  assertOnePlace(where);
  const config = clientConfig(await loadSettings(where.stage ?? LOCAL), where);
  return {
    sqs: new SQSClient(config),
    lambda: new LambdaClient({
      ...config,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: 5_000,
        requestTimeout: LONGEST_INVOCATION_MS + 30_000,
        throwOnRequestTimeout: true,
      }),
    }),
    queuePrefix: where.stage === undefined ? "" : `${APP}-${where.stage}-`,
  };
}
