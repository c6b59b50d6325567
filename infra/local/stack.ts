import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Settings } from "../settings.ts";
import { type FunctionId, LOCAL_NAMES, type Names, type Topology, topology } from "../topology.ts";
import { type DeadLetter, type DeadLetterQueues, openDeadLetterQueues } from "./dead-letters.ts";
import { createTables, openDynamoDB } from "./dynamodb.ts";
import { listen, type Services } from "./front.ts";
import { type BusEvent, type LocalEventBridge, openEventBridge, type TargetSpec } from "./events/index.ts";
import { type LocalLambda, openLambda } from "./lambda/index.ts";
import { type LocalS3, objectCreatedDetail, openS3 } from "./s3/index.ts";

/** As on any AWS account, so that ARNs look right. */
export const ACCOUNT = "000000000000";

export type StackOptions = {
  settings: Settings;
  /** Objects, tables, the log, dead letters: all that survives a restart, also after a kill -9. */
  directory: string;
  /** 0: any free port. */
  port: number;
  /** The project's root, where handlers are found. */
  root: string;
  /** Rebuilds a handler when its source changes. */
  watch: boolean;
  /** Waits before Lambda's retries. AWS waits 1 and 2 minutes, which nobody wants on a laptop. */
  functionRetryMs?: (attempt: number) => number;
  onEvent?: (bus: string, event: BusEvent) => void;
  onLog?: (functionName: string, text: string) => void;
  onDeadLetter?: (queue: string, letter: DeadLetter) => void;
};

export type Stack = {
  /** What AWS_ENDPOINT_URL is set to. */
  endpoint: string;
  region: string;
  names: Names<string>;
  uploadPrefix: string;
  topology: Topology<string>;
  bridge: LocalEventBridge;
  lambda: LocalLambda;
  deadLetters: DeadLetterQueues;
  /** Resolves when no event is on its way: a delivery ends when the function, with its retries, has. */
  idle(): Promise<void>;
  close(): Promise<void>;
};

const functionArn = (region: string, name: string): string => `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
const queueArn = (region: string, name: string): string => `arn:aws:sqs:${region}:${ACCOUNT}:${name}`;
const nameOfArn = (arn: string): string => arn.slice(arn.lastIndexOf(":") + 1);

/** A local stack takes any. */
export const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

const shortRetry = (attempt: number): number => 1_000 * attempt;

/** An existing bucket or table keeps its own name, also locally. */
const namesFor = (settings: Settings): Names<string> => ({
  ...LOCAL_NAMES,
  uploads: settings["video_split.upload_bucket"] ?? LOCAL_NAMES.uploads,
  segments: settings["video_split.output_bucket"] ?? LOCAL_NAMES.segments,
  videos: settings["dynamodb.table_id"] ?? LOCAL_NAMES.videos,
});

/** Brings up S3, DynamoDB, EventBridge and the functions of the topology on one loopback port. */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { settings, directory } = options;
  const region = settings["dynamodb.region"];
  const names = namesFor(settings);
  const built = topology(settings, names);
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  let begin = () => {};
  const ready = new Promise<void>((resolve) => {
    begin = resolve;
  });
  try {
    const parts = await Promise.all(
      ["s3", "dynamodb", "events", "lambda", "dead-letters"].map(async (part) => {
        const folder = join(directory, part);
        await mkdir(folder, { recursive: true });
        return folder;
      }),
    );
    const [s3Folder, dynamodbFolder, eventsFolder, lambdaFolder, lettersFolder] = parts as [
      string,
      string,
      string,
      string,
      string,
    ];

    let services: Services | undefined;
    const front = await listen(options.port, () => services);
    closers.push(front.close);
    const deadLetters = openDeadLetterQueues(lettersFolder, options.onDeadLetter ?? (() => {}));
    const dynamodb = await openDynamoDB(dynamodbFolder);
    closers.push(dynamodb.close);
    const lambda = await openFunctions(built, options, lambdaFolder, region, front.endpoint, deadLetters);
    closers.push(lambda.close);
    const bridge = await openBuses(built, eventsFolder, region, lambda, deadLetters, ready);
    closers.push(bridge.close);
    if (options.onEvent !== undefined) bridge.onEvent(options.onEvent);
    const s3 = await openBuckets(built, s3Folder, region, bridge);
    closers.push(s3.close);

    services = { s3, dynamodb, events: bridge };
    const tables = new DynamoDBClient({ endpoint: front.endpoint, region, credentials: LOCAL_CREDENTIALS });
    await createTables(tables, Object.values(built.tables));
    tables.destroy();
    begin();
    return {
      endpoint: front.endpoint,
      region,
      names,
      uploadPrefix: settings["video_split.upload_key_prefix"],
      topology: built,
      bridge,
      lambda,
      deadLetters,
      idle: bridge.idle,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const openFunctions = (
  built: Topology<string>,
  options: StackOptions,
  directory: string,
  region: string,
  endpoint: string,
  deadLetters: DeadLetterQueues,
): Promise<LocalLambda> =>
  openLambda({
    functions: Object.entries(built.functions).map(([name, spec]) => ({
      name,
      handler: spec.handler,
      timeoutSeconds: spec.timeoutSeconds,
      memoryMB: spec.memoryMB,
      concurrency: spec.concurrency,
      retry: spec.retry,
      environment: { ...spec.environment, AWS_ENDPOINT_URL: endpoint },
    })),
    root: options.root,
    directory,
    region,
    watch: options.watch,
    retryDelayMs: options.functionRetryMs ?? shortRetry,
    onLog: ({ functionName, text }) => options.onLog?.(functionName, text),
    onFailure: async ({ functionName, error, attempts, event }) => {
      const queue = built.functions[functionName as FunctionId].failures;
      const { errorType: errorCode, errorMessage } = error;
      await deadLetters.send(queue, {
        level: "function",
        source: functionName,
        errorCode,
        errorMessage,
        attempts,
        event,
      });
    },
  });

const openBuses = (
  built: Topology<string>,
  directory: string,
  region: string,
  lambda: LocalLambda,
  deadLetters: DeadLetterQueues,
  ready: Promise<void>,
): Promise<LocalEventBridge> =>
  openEventBridge({
    directory,
    region,
    account: ACCOUNT,
    buses: Object.values(built.buses).map(({ name }) => name),
    rules: built.rules.map(({ name, description, bus, pattern, target, retry, deadLetters: queue }) => ({
      name,
      description,
      bus: built.buses[bus].name,
      pattern,
      targets: [{ id: target, arn: functionArn(region, target), retry, deadLetterArn: queueArn(region, queue) }],
    })),
    archives: [{ ...built.archive, bus: built.buses[built.archive.bus].name }],
    deliver: async (target, event, delivery) => {
      await ready;
      await deliverTo(target, event, delivery.id, lambda);
    },
    deadLetter: async (arn, { rule, errorCode, errorMessage, attempts, event }) =>
      deadLetters.send(nameOfArn(arn), { level: "delivery", source: rule, errorCode, errorMessage, attempts, event }),
  });

/** The request id is the delivery's, so that one which a crash of the stack cut off goes on as its own retry. */
async function deliverTo({ arn }: TargetSpec, event: unknown, deliveryId: string, lambda: LocalLambda): Promise<void> {
  if (!arn.startsWith("arn:aws:lambda:")) throw new Error(`The local stack can't deliver to ${arn}`);
  await lambda.invokeAsync(nameOfArn(arn), event, { requestId: deliveryId });
}

async function openBuckets(
  built: Topology<string>,
  directory: string,
  region: string,
  bridge: LocalEventBridge,
): Promise<LocalS3> {
  const notifying = new Set(
    Object.values(built.buckets).flatMap(({ name, eventBridge }) => (eventBridge ? [name] : [])),
  );
  const s3 = await openS3({
    directory,
    region,
    onObjectCreated: async (object) => {
      if (!notifying.has(object.bucket)) return;
      await bridge.put("default", [
        {
          version: "0",
          id: randomUUID(),
          "detail-type": "Object Created",
          source: "aws.s3",
          account: ACCOUNT,
          time: object.time,
          region,
          resources: [`arn:aws:s3:::${object.bucket}`],
          detail: objectCreatedDetail(object),
        },
      ]);
    },
  });
  for (const { name } of Object.values(built.buckets)) await s3.createBucket(name);
  return s3;
}
