import { topology } from "../topology.ts";
import { createAlarms } from "./alarms.ts";
import { createArchive, createVideoBus, existingBus } from "./buses.ts";
import { createDashboard } from "./dashboard.ts";
import { createQueues } from "./dead-letter-queues.ts";
import { archiveName, stageName } from "./deployed-names.ts";
import { createFunctions } from "./functions.ts";
import { permissions } from "./permissions.ts";
import { assertSameRegion, rolePath } from "./region.ts";
import { createRules } from "./rules.ts";
import { createSchemaRegistry } from "./schemas.ts";
import { settingsOf } from "./stage.ts";
import { createBuckets } from "./stage-buckets.ts";
import { createTables } from "./tables.ts";

/**
 * The whole service in this stage's account. `outputs` are printed after a deployment; `bus` is the
 * video bus, to subscribe to in the same app. Refuses a stage that is deployed in another region.
 */
export async function videoSplit() {
  const settings = settingsOf($app.stage);
  const region = settings["dynamodb.region"];
  await assertSameRegion(region);
  const name = stageName($app.stage);

  const buckets = createBuckets(settings);
  const tables = createTables(settings);
  const bus = createVideoBus(name);
  const metrics = `VideoSplit/${$app.stage}`;
  const built = topology<$util.Output<string>>(settings, {
    uploads: buckets.uploads.name,
    segments: buckets.segments.name,
    bus: bus.name,
    videos: tables.videos.name,
    ledger: tables.ledger.name,
    archive: archiveName($app.stage),
    metrics,
  });

  createArchive(built, bus);
  createSchemaRegistry(name);
  const queues = createQueues(built);
  const functions = createFunctions(built, {
    links: permissions({ settings, buckets, tables, bus }),
    queues,
    rolePath: rolePath($app.name, $app.stage, region),
  });
  createRules(built, { buses: { default: existingBus("default"), video: bus }, functions, queues });
  createDashboard(name, { topology: built, metrics, functions, queues });
  const alarms = createAlarms(name, queues, metrics, settings["video_split.alarm_email"]);

  const outputs = {
    upload: $interpolate`s3://${buckets.uploads.name}/${settings["video_split.upload_key_prefix"]}`,
    segments: buckets.segments.name,
    documents: tables.videos.name,
    bus: bus.name,
    alarms: alarms.arn,
  };
  return { outputs, bus };
}
