import { randomUUID } from "node:crypto";
import { ACCOUNT } from "../emulator/arns.ts";
import type { LocalEventBridge } from "../emulator/events/index.ts";
import { type LocalS3, objectCreatedDetail, openS3 } from "../emulator/s3/index.ts";
import type { Topology } from "../topology.ts";

export type BucketsOptions = { directory: string; region: string; bridge: LocalEventBridge };

/**
 * The topology's buckets on the local S3. A bucket that notifies EventBridge, also one of the
 * user's, puts "Object Created" on the default bus.
 */
export async function openBuckets(
  topology: Topology<string>,
  { directory, region, bridge }: BucketsOptions,
): Promise<LocalS3> {
  const s3: LocalS3 = await openS3({
    directory,
    region,
    onObjectCreated: async (object) => {
      if (!s3.notifiesEventBridge(object.bucket)) return;
      const event = {
        version: "0" as const,
        id: randomUUID(),
        "detail-type": "Object Created",
        source: "aws.s3",
        account: ACCOUNT,
        time: object.time,
        region,
        resources: [`arn:aws:s3:::${object.bucket}`],
        detail: objectCreatedDetail(object),
      };
      await bridge.put("default", [event]);
    },
  });
  // Two of them may be one bucket.
  const buckets = Object.values(topology.buckets);
  const notifying = new Set(buckets.flatMap(({ name, eventBridge }) => (eventBridge ? [name] : [])));
  for (const { name } of buckets) await s3.createBucket(name, { eventBridge: notifying.has(name) });
  return s3;
}
