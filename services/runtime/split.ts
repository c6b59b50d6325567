import { tmpdir } from "node:os";
import type { Context } from "aws-lambda";
import * as z from "zod";
import { Cut } from "#events-schema";
import { documentClient } from "../aws/dynamodb.ts";
import { eventBridgeClient, eventBridgePublisher } from "../aws/event-publisher.ts";
import { LedgerPersistence } from "../aws/idempotency.ts";
import { dynamoLedger, sha256 } from "../aws/ledger.ts";
import { s3MediaStore } from "../aws/media-store.ts";
import { RETRY_SCHEDULE } from "../aws/retrying-fetch.ts";
import { s3Client } from "../aws/s3.ts";
import { dynamoSavedIndexes } from "../aws/saved-indexes.ts";
import { usageMeter } from "../aws/usage-meter.ts";
import { ffmpegMediaTools, findBinaries } from "../ffmpeg/index.ts";
import type { SplitDependencies } from "../split/dependencies.ts";
import { budgetOf, DEFAULT_MEMORY_MB } from "../split/domain/budget.ts";
import type { SplitOutcome } from "../split/outcome.ts";
import type { Measure } from "../split/ports/measure.ts";
import type { SplitRequest } from "../split/requests.ts";
import { splitVideo } from "../split/split-video.ts";
import { OutOfTimeError } from "../video/errors.ts";
import { openOnce } from "../video/open-once.ts";
import { deadlineOf } from "./deadline.ts";
import { ExtensionList, readEnvironment } from "./environment.ts";
import { powertoolsLog } from "./log.ts";
import { splitValues } from "./measurements.ts";
import { powertoolsMetrics } from "./metrics.ts";
import { onceInLedger } from "./once.ts";
import { makeTemporaryFolder, removeAbandonedFolders } from "./temporary-folders.ts";

const Environment = z.object({
  VIDEO_SPLIT_OUTPUT_BUCKET: z.string().min(1),
  VIDEO_SPLIT_OUTPUT_KEY_PREFIX: z.string(),
  VIDEO_SPLIT_OUTPUT_KEY_ROOT: z.string(),
  VIDEO_SPLIT_OUTPUT_FILES_DURATION_IN_SEC: z.coerce.number().positive(),
  VIDEO_SPLIT_UPLOAD_KEY_PREFIX: z.string(),
  VIDEO_SPLIT_ACCEPTED_EXTENSIONS: ExtensionList,
  VIDEO_SPLIT_CUT: Cut,
  VIDEO_SPLIT_EXACT_BOUNDARY: z.enum(["anchored", "encoded"]),
  VIDEO_SPLIT_LARGEST_OBJECT_BYTES: z.coerce.number().int().positive(),
  VIDEO_SPLIT_MAX_CONCURRENT_RANGES: z.coerce.number().int().positive(),
  VIDEO_SPLIT_EVENT_BUS: z.string().min(1),
  VIDEO_SPLIT_LEDGER_TABLE: z.string().min(1),
  DYNAMODB_REGION: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
  FFMPEG_PATH: z.string().optional(),
  FFMPEG_BIN: z.string().optional(),
  FFPROBE_PATH: z.string().optional(),
  FFPROBE_BIN: z.string().optional(),
  LAMBDA_TASK_ROOT: z.string().optional(),
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: z.coerce.number().positive().default(DEFAULT_MEMORY_MB),
  PATH: z.string().optional(),
});

type SplitService = (request: SplitRequest, context: Context) => Promise<SplitOutcome>;

const outOfTime = (seconds: number): Error =>
  new OutOfTimeError(
    `No segment was finished within ${seconds} s. Request shorter segments, or raise video_split.memory_mb: CPU grows with it.`,
  );

async function compose(): Promise<SplitService> {
  const environment = readEnvironment(Environment);
  const tables = documentClient(environment.DYNAMODB_REGION);
  const s3 = s3Client();
  const events = eventBridgeClient();
  const meter = usageMeter({ s3, tables, events });
  const persistence = new LedgerPersistence(tables, environment.VIDEO_SPLIT_LEDGER_TABLE);
  const binaries = await findBinaries({
    ffmpegPath: environment.FFMPEG_PATH ?? environment.FFMPEG_BIN,
    ffprobePath: environment.FFPROBE_PATH ?? environment.FFPROBE_BIN,
    taskRoot: environment.LAMBDA_TASK_ROOT,
    path: environment.PATH,
    isTrusted: true,
  });
  const log = powertoolsLog("split");
  const abandoned = await removeAbandonedFolders(tmpdir());
  if (abandoned.length > 0) log.warn("Removed temporary folders of processes that were killed", { folders: abandoned });
  const metered = powertoolsMetrics("split", environment.POWERTOOLS_METRICS_NAMESPACE);
  const makeFolder = () => makeTemporaryFolder(tmpdir());
  const dependencies: Omit<SplitDependencies, "once" | "log" | "measure" | "takeUsage" | "secondsLeft"> = {
    store: s3MediaStore(s3, RETRY_SCHEDULE, meter.received),
    publisher: eventBridgePublisher(events, environment.VIDEO_SPLIT_EVENT_BUS),
    ledger: dynamoLedger(tables, environment.VIDEO_SPLIT_LEDGER_TABLE),
    indexes: dynamoSavedIndexes(tables, environment.VIDEO_SPLIT_LEDGER_TABLE),
    media: ffmpegMediaTools(binaries, {
      budget: budgetOf(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE),
      boundary: environment.VIDEO_SPLIT_EXACT_BOUNDARY,
      disk: { makeFolder, log },
    }),
    hash: sha256,
    now: () => new Date(),
    makeTemporaryFolder: makeFolder,
    settings: {
      uploadKeyPrefix: environment.VIDEO_SPLIT_UPLOAD_KEY_PREFIX,
      acceptedExtensions: environment.VIDEO_SPLIT_ACCEPTED_EXTENSIONS,
      outputBucket: environment.VIDEO_SPLIT_OUTPUT_BUCKET,
      outputKeyPrefix: environment.VIDEO_SPLIT_OUTPUT_KEY_PREFIX,
      outputKeyRoot: environment.VIDEO_SPLIT_OUTPUT_KEY_ROOT,
      segmentSeconds: environment.VIDEO_SPLIT_OUTPUT_FILES_DURATION_IN_SEC,
      cut: environment.VIDEO_SPLIT_CUT,
      largestObjectBytes: environment.VIDEO_SPLIT_LARGEST_OBJECT_BYTES,
      maxConcurrentRanges: environment.VIDEO_SPLIT_MAX_CONCURRENT_RANGES,
    },
  };
  return async (request, context) => {
    const deadline = deadlineOf(context, outOfTime);
    const takeUsage = meter.begin(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
    const once = onceInLedger(persistence, context);
    const { awsRequestId } = context;
    const { secondsLeft } = deadline;
    const invocation = { ...dependencies, once, secondsLeft, takeUsage, log: log.with({ request_id: awsRequestId }) };
    try {
      return await metered(awsRequestId, (record) => {
        const measure: Measure = (measurement) => record(splitValues(measurement));
        return splitVideo(request, { ...invocation, measure }, deadline.signal);
      });
    } finally {
      deadline.clear();
    }
  };
}

/** The split service of this execution environment: composed once, again after a failure. */
export const splitService = openOnce(compose);
