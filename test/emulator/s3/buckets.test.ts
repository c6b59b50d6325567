import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elementOf, refusalOf, type S3Fixture, startS3 } from "./s3-fixture.ts";

let s3: S3Fixture;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());

const create = (Bucket: string, more = {}) => s3.client.send(new CreateBucketCommand({ Bucket, ...more }));
const remove = (Bucket: string) => s3.client.send(new DeleteBucketCommand({ Bucket }));

test("given created buckets, when they are listed, then they come by name", async () => {
  await create("zz-last");
  await create("aa-first");
  const { Buckets, Owner } = await s3.client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toEqual(["aa-first", "videos", "zz-last"]);
  expect(Buckets?.[0]?.CreationDate).toBeInstanceOf(Date);
  expect(Owner?.ID).toMatch(/^[0-9a-f]{64}$/);
  const page = await s3.client.send(new ListBucketsCommand({ MaxBuckets: 2 }));
  const rest = await s3.client.send(new ListBucketsCommand({ ContinuationToken: page.ContinuationToken }));
  expect(rest.Buckets?.map(({ Name }) => Name)).toEqual(["zz-last"]);
});

test("given a bucket, when it is created again, then us-east-1 says yes and other regions say it is yours", async () => {
  expect(await refusalOf(create("videos"))).toBe("no refusal");
  const elsewhere = { CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } };
  await create("elsewhere", elsewhere);
  expect(await refusalOf(create("elsewhere", elsewhere))).toBe("BucketAlreadyOwnedByYou");
});

test("given buckets of two regions, when their location is requested, then each returns its own", async () => {
  await create("in-europe", { CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } });
  const locationOf = async (Bucket: string) =>
    (await s3.client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint;
  expect(await locationOf("in-europe")).toBe("eu-central-1");
  expect((await locationOf("videos")) || undefined).toBeUndefined();
  expect((await s3.client.send(new HeadBucketCommand({ Bucket: "in-europe" }))).BucketRegion).toBe("eu-central-1");
});

test.each(["ab", "Upper", "under_score", "1.2.3.4", "dots..dots", "-start", "a".repeat(64), "xn--x"])(
  "given name %s, when a bucket is created, then it is invalid",
  async (name) => {
    const answer = await s3.send({ method: "PUT", path: `/${name}` });
    expect([answer.status, elementOf(answer, "Code")]).toEqual([400, "InvalidBucketName"]);
  },
);

test("given an object in a bucket, when the bucket is deleted, then it isn't empty", async () => {
  await create("in-use");
  await s3.client.send(new PutObjectCommand({ Bucket: "in-use", Key: "k", Body: "x" }));
  expect(await refusalOf(remove("in-use"))).toBe("BucketNotEmpty");
});

test("given an empty bucket with an open upload, when the bucket is deleted, then it doesn't exist", async () => {
  await create("empty");
  await s3.client.send(new CreateMultipartUploadCommand({ Bucket: "empty", Key: "k" }));
  await remove("empty");
  expect(await refusalOf(s3.client.send(new HeadBucketCommand({ Bucket: "empty" })))).toBe("NotFound");
  expect(await refusalOf(remove("empty"))).toBe("NoSuchBucket");
});

test("given EventBridge switched on, when notifications are requested, then it is on", async () => {
  const read = () => s3.client.send(new GetBucketNotificationConfigurationCommand({ Bucket: "videos" }));
  const write = (NotificationConfiguration: object) =>
    s3.client.send(new PutBucketNotificationConfigurationCommand({ Bucket: "videos", NotificationConfiguration }));
  expect((await read()).EventBridgeConfiguration).toBeUndefined();
  await write({ EventBridgeConfiguration: {} });
  expect((await read()).EventBridgeConfiguration).toBeDefined();
  await write({});
  expect((await read()).EventBridgeConfiguration).toBeUndefined();
});

test("given a queue as target, when notifications are set, then that isn't implemented", async () => {
  const QueueConfigurations = [{ QueueArn: "arn:aws:sqs:us-east-1:0:q", Events: ["s3:ObjectCreated:*" as const] }];
  const command = new PutBucketNotificationConfigurationCommand({
    Bucket: "videos",
    NotificationConfiguration: { QueueConfigurations },
  });
  expect(await refusalOf(s3.client.send(command))).toBe("NotImplemented");
});

test("given a bucket, when its ACL is requested, then only the owner may do anything", async () => {
  const { Grants, Owner } = await s3.client.send(new GetBucketAclCommand({ Bucket: "videos" }));
  expect(Grants).toEqual([{ Grantee: { ID: Owner?.ID, Type: "CanonicalUser" }, Permission: "FULL_CONTROL" }]);
});
