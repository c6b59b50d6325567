import { tmpdir } from "node:os";
import * as z from "zod";
import type { LambdaContext, Metadata, SegmentCreated } from "#events-schema";
import { eventBridgeClient, eventBridgePublisher } from "../aws/event-publisher.ts";
import { sha256 } from "../aws/ledger.ts";
import { s3Client } from "../aws/s3.ts";
import { s3SegmentStore } from "../aws/segment-store.ts";
import { ffmpegPictures, findFfmpeg } from "../ffmpeg/index.ts";
import { makePoster, type PosterOutcome } from "../poster/make-poster.ts";
import { budgetOf, DEFAULT_MEMORY_MB } from "../split/domain/budget.ts";
import { OutOfTimeError } from "../video/errors.ts";
import { openOnce } from "../video/open-once.ts";
import { deadlineOf } from "./deadline.ts";
import { readEnvironment } from "./environment.ts";
import { powertoolsLog } from "./log.ts";
import { posterValues } from "./measurements.ts";
import { powertoolsMetrics } from "./metrics.ts";

const Environment = z.object({
  VIDEO_SPLIT_EVENT_BUS: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
  FFMPEG_PATH: z.string().optional(),
  FFMPEG_BIN: z.string().optional(),
  LAMBDA_TASK_ROOT: z.string().optional(),
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: z.coerce.number().positive().default(DEFAULT_MEMORY_MB),
  PATH: z.string().optional(),
});

type PosterService = (segment: SegmentCreated, cause: Metadata, context: LambdaContext) => Promise<PosterOutcome>;

const outOfTime = (seconds: number): Error => new OutOfTimeError(`No poster was made within ${seconds} s`);

async function compose(): Promise<PosterService> {
  const environment = readEnvironment(Environment);
  const ffmpeg = await findFfmpeg({
    ffmpegPath: environment.FFMPEG_PATH ?? environment.FFMPEG_BIN,
    taskRoot: environment.LAMBDA_TASK_ROOT,
    path: environment.PATH,
    isTrusted: true,
  });
  const log = powertoolsLog("poster");
  const metered = powertoolsMetrics("poster", environment.POWERTOOLS_METRICS_NAMESPACE);
  const dependencies = {
    store: s3SegmentStore(s3Client()),
    pictures: ffmpegPictures({
      binary: ffmpeg,
      directory: tmpdir(),
      budget: budgetOf(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE),
    }),
    events: eventBridgePublisher(eventBridgeClient(), environment.VIDEO_SPLIT_EVENT_BUS),
    hash: sha256,
    now: () => new Date(),
  };
  return async (segment, cause, context) => {
    const { awsRequestId } = context;
    const deadline = deadlineOf(context, outOfTime);
    const ids = { request_id: awsRequestId, correlation_id: cause.correlationId, video_id: segment.VideoId };
    try {
      return await metered(awsRequestId, async (record) => {
        const outcome = await makePoster(segment, cause, { ...dependencies, log: log.with(ids) }, deadline.signal);
        record(posterValues(segment.VideoId, outcome));
        return outcome;
      });
    } finally {
      deadline.clear();
    }
  };
}

/** The poster service of this execution environment: composed once, again after a failure. */
export const posterService = openOnce(compose);
