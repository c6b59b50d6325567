import type { Context } from "aws-lambda";
import * as z from "zod";
import type { VideoSplitEvent } from "#events-schema";
import { documentClient } from "../aws/dynamodb.ts";
import { sha256 } from "../aws/ledger.ts";
import { dynamoVideoDocuments } from "../aws/video-documents.ts";
import { type Projection, project } from "../projector/project.ts";
import { readEnvironment } from "./environment.ts";
import { powertoolsLog } from "./log.ts";
import { projectorValues } from "./measurements.ts";
import { powertoolsMetrics } from "./metrics.ts";

const Environment = z.object({
  DYNAMODB_TABLE_ID: z.string().min(1),
  DYNAMODB_REGION: z.string().min(1),
  POWERTOOLS_METRICS_NAMESPACE: z.string().min(1),
});

type ProjectorService = (event: VideoSplitEvent, context: Context) => Promise<Projection>;

function compose(): ProjectorService {
  const { DYNAMODB_TABLE_ID, DYNAMODB_REGION, POWERTOOLS_METRICS_NAMESPACE } = readEnvironment(Environment);
  const documents = dynamoVideoDocuments(documentClient(DYNAMODB_REGION), DYNAMODB_TABLE_ID);
  const log = powertoolsLog("projector");
  const metered = powertoolsMetrics("projector", POWERTOOLS_METRICS_NAMESPACE);
  const now = () => new Date();
  return (event, { awsRequestId }) =>
    metered(awsRequestId, (record) =>
      project(event, {
        documents,
        log: log.with({ request_id: awsRequestId }),
        hash: sha256,
        measure: (measurement) => record(projectorValues(measurement)),
        now,
      }),
    );
}

let service: ProjectorService | undefined;

/** The projector of this execution environment, composed once. Throws `EnvironmentError`. */
export function projectorService(): ProjectorService {
  service ??= compose();
  return service;
}
