import { expect, it } from "vitest";
import { FOUND_NOTIFICATIONS } from "./stages.ts";
import { graphOf } from "./synthesised.ts";

const NOTIFICATION = "s3/bucketNotification:BucketNotification";

it("given a bucket with notifications of its owner's, then they are kept, and stay when this service is removed", async () => {
  const graph = graphOf("existing");
  const [written, ...others] = graph.all(NOTIFICATION).filter(({ options }) => !options.read);
  expect(others).toEqual([]);
  expect(written?.inputs).toEqual({ bucket: "media", eventbridge: true, ...FOUND_NOTIFICATIONS });
  expect(written?.options.retainOnDelete).toBe(true);
});

it("given existing buckets and an existing table, then nothing else is set on them", async () => {
  const graph = graphOf("existing");
  const read = graph.all("s3/bucket:Bucket").filter(({ options }) => options.read);
  expect(read.map(({ id }) => id)).toEqual(["media", "media"]);
  expect(graph.named("dynamodb/table:Table", "AttachedVideosTable")).toMatchObject({
    id: "Videos2019",
    options: { read: true },
  });
  const settingsOnBuckets = graph.synthesis.resources.filter(({ type }) => /^aws:s3\/bucket[A-Z]/.test(type));
  const onThem = settingsOnBuckets.filter(({ inputs }) => inputs.bucket === "media");
  expect(new Set(onThem.map(({ type }) => type))).toEqual(new Set([`aws:${NOTIFICATION}`]));
});

it("given a stage whose settings name buckets and a table later, then it still has its own, by the same names", () => {
  const made = (stage: string) =>
    ["s3/bucket:Bucket", "dynamodb/table:Table"].flatMap((type) =>
      graphOf(stage)
        .all(type)
        .filter(({ options }) => !options.read)
        .map(({ name }) => name),
    );
  expect(made("existing")).toEqual(made("ada"));
});
