import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";
import * as z from "zod";
import { sqsClient, sqsDeadLetters } from "../aws/dead-letters.ts";
import { documentClient } from "../aws/dynamodb.ts";
import { eventBridgeClient, eventBridgePublisher } from "../aws/event-publisher.ts";
import { dynamoLedger, sha256 } from "../aws/ledger.ts";
import { s3MediaStore } from "../aws/media-store.ts";
import { s3Client } from "../aws/s3.ts";
import { dynamoUploadLedger } from "../aws/upload-ledger.ts";
import { s3Uploads } from "../aws/uploads.ts";
import type { Reconciliation } from "../reconciler/reconcile.ts";
import { type ReconcilerDependencies, reconcile } from "../reconciler/reconcile.ts";
import { deadlineOf } from "./deadline.ts";
import { ExtensionList, readEnvironment } from "./environment.ts";
import { powertoolsLog } from "./log.ts";
import { reconcilerValues } from "./measurements.ts";
import { powertoolsMetrics } from "./metrics.ts";

const Environment = z.object({
  VIDEO_SPLIT_UPLOAD_BUCKET: z.string().min(1),
  VIDEO_SPLIT_UPLOAD_BUCKET_IS_ATTACHED: z.stringbool(),
  VIDEO_SPLIT_UPLOAD_KEY_PREFIX: z.string(),
  VIDEO_SPLIT_ACCEPTED_EXTENSIONS: ExtensionList,
  VIDEO_SPLIT_RECONCILE_AFTER_SEC: z.coerce.number().positive(),
  VIDEO_SPLIT_EVENT_AGE_SEC: z.coerce.number().positive(),
  VIDEO_SPLIT_EVENT_BUS: z.string().min(1),
  VIDEO_SPLIT_LEDGER_TABLE: z.string().min(1),
  VIDEO_SPLIT_CLEARED_QUEUE_URL: z.url(),
  DYNAMODB_REGION: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
});

type ReconcilerService = (context: Context) => Promise<Reconciliation>;

function compose(): ReconcilerService {
  const environment = readEnvironment(Environment);
  const tables = documentClient(environment.DYNAMODB_REGION);
  const table = environment.VIDEO_SPLIT_LEDGER_TABLE;
  const s3 = s3Client();
  const log = powertoolsLog("reconciler");
  const metered = powertoolsMetrics("reconciler", environment.POWERTOOLS_METRICS_NAMESPACE);
  const dependencies: Omit<ReconcilerDependencies, "log"> = {
    uploads: s3Uploads(s3),
    store: s3MediaStore(s3),
    ledger: { ...dynamoLedger(tables, table), ...dynamoUploadLedger(tables, table) },
    deadLetters: sqsDeadLetters(sqsClient(), environment.VIDEO_SPLIT_CLEARED_QUEUE_URL),
    publisher: eventBridgePublisher(eventBridgeClient(), environment.VIDEO_SPLIT_EVENT_BUS),
    hash: sha256,
    now: () => Math.floor(Date.now() / 1_000),
    settings: {
      bucket: environment.VIDEO_SPLIT_UPLOAD_BUCKET,
      isAttached: environment.VIDEO_SPLIT_UPLOAD_BUCKET_IS_ATTACHED,
      keyPrefix: environment.VIDEO_SPLIT_UPLOAD_KEY_PREFIX,
      acceptedExtensions: environment.VIDEO_SPLIT_ACCEPTED_EXTENSIONS,
      graceSeconds: environment.VIDEO_SPLIT_RECONCILE_AFTER_SEC,
      eventSeconds: environment.VIDEO_SPLIT_EVENT_AGE_SEC,
    },
  };
  return async (context) => {
    const { awsRequestId } = context;
    const deadline = deadlineOf(context, (seconds) => new Error(`Not finished within ${seconds} s`));
    const lease = { owner: randomUUID(), seconds: Math.ceil(context.getRemainingTimeInMillis() / 1_000) };
    try {
      return await metered(awsRequestId, async (record) => {
        const outcome = await reconcile(
          { ...dependencies, log: log.with({ request_id: awsRequestId }) },
          lease,
          deadline.signal,
        );
        record(reconcilerValues(outcome));
        return outcome;
      });
    } finally {
      deadline.clear();
    }
  };
}

let service: ReconcilerService | undefined;

/** The reconciler of this execution environment, composed once. Throws `EnvironmentError`. */
export function reconcilerService(): ReconcilerService {
  service ??= compose();
  return service;
}
