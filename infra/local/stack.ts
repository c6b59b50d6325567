import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LOCAL_STAGE } from "../aws/deployed-names.ts";
import { type DiskFullError, refusedByDisk, watchDisk } from "../emulator/disk.ts";
import { openDynamoDB } from "../emulator/dynamodb.ts";
import type { BusEvent, LocalEventBridge } from "../emulator/events/index.ts";
import type { InterceptDelivery } from "../emulator/faults/deliveries.ts";
import { type Intercept, listen, type Service, type Services } from "../emulator/front.ts";
import type { LocalLambda } from "../emulator/lambda/index.ts";
import { lambdaApi } from "../emulator/lambda-api.ts";
import { openSqs } from "../emulator/sqs/index.ts";
import { openStateFolder } from "../emulator/state-folder.ts";
import { lockState } from "../emulator/state-lock.ts";
import type { DeadLetter } from "../operations/dead-letter.ts";
import type { Settings } from "../settings.ts";
import { FUNCTION_RETRY, type Names, type Topology, topology } from "../topology.ts";
import { openBuses } from "./buses.ts";
import { type Consumer, consumerQueues, consumerTags } from "./consumers.ts";
import { type DeadLetterQueues, openDeadLetterQueues } from "./dead-letter-queues.ts";
import { localRanges, openFunctions } from "./functions.ts";
import { LOCAL_CREDENTIALS, LOCAL_NAMES } from "./names.ts";
import { resourceTags, taggedResources } from "./resource-tags.ts";
import { startSchedules } from "./schedules.ts";
import { openBuckets } from "./stack-buckets.ts";
import { createTables } from "./tables.ts";

export type StackOptions = {
  settings: Settings;
  /**
   * The folder of objects, tables, the log and dead letters, which survive a restart and a kill -9.
   */
  directory: string;
  /** 0: any free port. */
  port: number;
  /** The project's root, where handlers are found. */
  root: string;
  /** Rebuilds a handler when its source changes. */
  watch: boolean;
  /** Pauses before Lambda's retries. On AWS they are 1 and 2 minutes, too long for a laptop. */
  functionRetryMs?: (attempt: number) => number;
  /** How long events wait for their function at most, in seconds. AWS keeps them for six hours. */
  eventAgeSeconds?: number;
  /**
   * Of the functions; default: each one's own. For tests, which can't wait 15 minutes for a
   * timeout.
   */
  timeoutSeconds?: number;
  /**
   * Invocations of a function at the same time, where the settings name no number. Default: as many
   * as fit this machine, and as many ranges of a video.
   */
  concurrency?: number;
  /** Functions that receive events besides the service's own. Default: none. */
  consumers?: readonly Consumer[];
  /** Faults on demand. Default: none. */
  intercept?: Intercept;
  interceptDelivery?: InterceptDelivery;
  onEvent?: (bus: string, event: BusEvent) => void;
  onLog?: (functionName: string, text: string) => void;
  onDeadLetter?: (queue: string, deadLetter: DeadLetter) => void;
  /** Called when the disk is full. What was acknowledged is stored; close the stack. */
  onDiskFull?: (error: DiskFullError) => void;
};

export type Stack = {
  /** The value for AWS_ENDPOINT_URL. */
  endpoint: string;
  region: string;
  names: Names<string>;
  uploadPrefix: string;
  topology: Topology<string>;
  bridge: LocalEventBridge;
  lambda: LocalLambda;
  deadLetters: DeadLetterQueues;
  /**
   * Resolves when no event is being delivered. A delivery ends when its function has, with all
   * retries.
   */
  idle(): Promise<void>;
  /** Serves the path, such as "/console", and what is below it, on the stack's port. */
  serve(path: string, service: Service): void;
  close(): Promise<void>;
};

const shortRetry = (attempt: number): number => 1_000 * attempt;

/** An existing bucket or table keeps its own name, also locally. */
/** The settings, with as many ranges at the same time as this machine can cut. */
function fitted({ settings, concurrency }: StackOptions): Settings {
  if (concurrency !== undefined || settings["video_split.concurrency"] !== null) return settings;
  const most = settings["video_split.max_concurrent_ranges"];
  return { ...settings, "video_split.max_concurrent_ranges": localRanges(most) };
}

const namesFor = (settings: Settings): Names<string> => ({
  ...LOCAL_NAMES,
  uploads: settings["video_split.upload_bucket"] ?? LOCAL_NAMES.uploads,
  segments: settings["video_split.output_bucket"] ?? LOCAL_NAMES.segments,
  videos: settings["dynamodb.table_id"] ?? LOCAL_NAMES.videos,
});

/** Starts S3, DynamoDB, EventBridge, SQS and the functions of the topology on one loopback port. */
export async function openStack(options: StackOptions): Promise<Stack> {
  const { directory, consumers = [] } = options;
  const settings = fitted(options);
  const region = settings["dynamodb.region"];
  const names = namesFor(settings);
  const { eventAgeSeconds: maxAgeSeconds = FUNCTION_RETRY.maxAgeSeconds } = options;
  const built = topology(settings, names, { ...FUNCTION_RETRY, maxAgeSeconds });
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    const faults: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) await closer().catch((error) => faults.push(error));
    if (faults.length > 0) throw faults[0];
  };
  let begin = () => {};
  const ready = new Promise<void>((resolve) => {
    begin = resolve;
  });
  try {
    const folders = await openStateFolder(directory);
    const unwatch = watchDisk(directory, options.onDiskFull ?? (() => {}));
    closers.push(async () => unwatch());
    let services: Services | undefined;
    const front = await listen(options.port, () => services, options.intercept);
    closers.push(front.close);
    const release = await lockState(directory);
    closers.push(async () => release());
    const { endpoint } = front;
    const queues = [
      ...Object.entries(built.queues).map(([name, queue]) => ({ name, ...queue })),
      ...consumerQueues(consumers),
    ];
    const sqs = await openSqs({ directory: folders.sqs, region, queues });
    closers.push(async () => sqs.close());
    const deadLetters = openDeadLetterQueues(sqs, options.onDeadLetter ?? (() => {}));
    const dynamodb = await openDynamoDB(folders.dynamodb);
    closers.push(dynamodb.close);
    const lambda = await openFunctions(built, {
      consumers,
      directory: folders.lambda,
      region,
      endpoint,
      root: options.root,
      watch: options.watch,
      timeoutSeconds: options.timeoutSeconds,
      concurrency: options.concurrency,
      retryDelayMs: options.functionRetryMs ?? shortRetry,
      onLog: options.onLog ?? (() => {}),
      deadLetters,
    });
    closers.push(lambda.close);
    const bridge = await openBuses(built, {
      consumers,
      directory: folders.events,
      region,
      queues: folders.queues,
      sqs,
      lambda,
      deadLetters,
      ready,
      intercept: options.interceptDelivery,
    });
    closers.push(bridge.close);
    if (options.onEvent !== undefined) bridge.onEvent(options.onEvent);
    const s3 = await openBuckets(built, { directory: folders.s3, region, bridge });
    closers.push(s3.close);

    const schedules = startSchedules(built, { lambda, region });
    closers.push(async () => schedules.close());

    const tags = resourceTags([
      ...taggedResources(built, LOCAL_STAGE, region),
      ...consumerTags(consumers, LOCAL_STAGE, region),
    ]);
    const open: Services = { s3, dynamodb, events: bridge, sqs, lambda: lambdaApi(lambda, region), tags };
    services = open;
    const tables = new DynamoDBClient({ endpoint, region, credentials: LOCAL_CREDENTIALS });
    await createTables(tables, Object.values(built.tables));
    tables.destroy();
    begin();
    return {
      endpoint,
      region,
      names,
      uploadPrefix: settings["video_split.upload_key_prefix"],
      topology: built,
      bridge,
      lambda,
      deadLetters,
      idle: bridge.idle,
      serve: (path, service) => {
        services = { ...open, own: { path, handle: service.handle } };
      },
      close,
    };
  } catch (error) {
    // The first error is reported, not those that follow from it.
    await close().catch(() => {});
    throw refusedByDisk(error, directory);
  }
}
