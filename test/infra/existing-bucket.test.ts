import { expect, it } from "vitest";
import { FOUND_NOTIFICATIONS } from "./stages.ts";
import { graphOf } from "./synthesised.ts";

const NOTIFICATION = "s3/bucketNotification:BucketNotification";

it("given a bucket with notifications of its owner's, then they are kept, and stay when this service goes", async () => {
  const graph = graphOf("existing");
  const [written, ...others] = graph.all(NOTIFICATION).filter(({ options }) => !options.read);
  expect(others).toEqual([]);
  expect(written?.inputs).toEqual({ bucket: "media", eventbridge: true, ...FOUND_NOTIFICATIONS });
  expect(written?.options.retainOnDelete).toBe(true);
});

it("given existing buckets and an existing table, then none is made and nothing else is set on them", async () => {
  const graph = graphOf("existing");
  expect(graph.all("s3/bucket:Bucket").map(({ id, options }) => [id, options.read])).toEqual([
    ["media", true],
    ["media", true],
  ]);
  expect(graph.named("dynamodb/table:Table", "VideosTable")).toMatchObject({
    id: "Videos2019",
    options: { read: true },
  });
  const settingsOnBuckets = graph.synthesis.resources.filter(({ type }) => /^aws:s3\/bucket[A-Z]/.test(type));
  expect(settingsOnBuckets.map(({ type }) => type).filter((type) => type !== `aws:${NOTIFICATION}`)).toEqual(
    // The code of the functions, in SST's own bucket.
    Object.keys(graph.topology.functions).map(() => "aws:s3/bucketObjectv2:BucketObjectv2"),
  );
});
