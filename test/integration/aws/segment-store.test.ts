import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { s3SegmentStore } from "../../../services/aws/segment-store.ts";
import { NEVER } from "../../fixtures/quiet.ts";
import { segmentStoreContract } from "../../ports/segment-store.suite.ts";
import { LONG_RETRIES, openBucket, openContractBucket } from "./media-bucket.ts";

segmentStoreContract("S3", async () => {
  const { bucket, client, put, remove, forbid } = await openContractBucket({ isVersioned: false });
  return { bucket, store: s3SegmentStore(client, LONG_RETRIES), put, remove, forbid };
});

it("a picture has the content type that browsers show", async () => {
  const { client } = await openBucket();
  await s3SegmentStore(client).writePicture("media", "a.jpg", Buffer.from("x"), NEVER);
  const head = await client.send(new HeadObjectCommand({ Bucket: "media", Key: "a.jpg" }));
  expect(head.ContentType).toBe("image/jpeg");
});
