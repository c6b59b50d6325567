import { malformedXml, notImplemented, S3Error } from "./errors.ts";
import { type Exchange, isoDate, OWNER, replyEmpty, replyXml } from "./exchange.ts";
import { pageSize } from "./paging.ts";
import { receiveDocument } from "./request-body.ts";
import { findObject } from "./versions.ts";
import { childText, parseRoot } from "./xml-reading.ts";
import type { XmlField } from "./xml-writing.ts";

/** Only in this region, creating your own bucket again succeeds, and locations are empty. */
const CLASSIC_REGION = "us-east-1";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export function listBuckets(exchange: Exchange): void {
  const { query, store } = exchange;
  const after = Buffer.from(query.get("continuation-token") ?? "", "base64").toString("utf8");
  const size = query.has("max-buckets") ? pageSize("max-buckets", query.get("max-buckets")) : Number.POSITIVE_INFINITY;
  const prefix = query.get("prefix") ?? "";
  const region = query.get("bucket-region");
  const found = store.buckets
    .filter(({ name }) => name.startsWith(prefix) && name > after)
    .filter((bucket) => region === undefined || bucket.region === region)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const shown = found.slice(0, size);
  const more = found.length > shown.length;
  const buckets = shown.map(
    (bucket): XmlField => [
      "Bucket",
      [
        ["Name", bucket.name],
        ["CreationDate", isoDate(bucket.created)],
        ["BucketRegion", bucket.region],
      ],
    ],
  );
  replyXml(exchange, "ListAllMyBucketsResult", [
    OWNER,
    ["Buckets", buckets],
    ["ContinuationToken", more ? Buffer.from(shown.at(-1)?.name ?? "").toString("base64") : undefined],
    ["Prefix", query.get("prefix")],
  ]);
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html. The bucket's region is the
 * one that the client requests.
 */
export async function createBucket(exchange: Exchange): Promise<void> {
  const { store, bucket, headers } = exchange;
  if (headers["x-amz-bucket-object-lock-enabled"] === "true") throw notImplemented("Object Lock");
  const ownership = headers["x-amz-object-ownership"] ?? "BucketOwnerEnforced";
  if (ownership !== "BucketOwnerEnforced") throw notImplemented(`Object ownership ${ownership}`);
  const document = await receiveDocument(exchange);
  const configuration = document === "" ? undefined : parseRoot(document, "CreateBucketConfiguration");
  const other = configuration?.children.find(({ name }) => name !== "LocationConstraint");
  if (other !== undefined) throw notImplemented(`${other.name} of a bucket's configuration`);
  const region = (configuration && childText(configuration, "LocationConstraint")) || exchange.region;
  const existing = store.findBucket(bucket);
  if (existing === undefined) {
    store.createBucket(bucket, region);
  } else if (existing.region !== CLASSIC_REGION) {
    throw new S3Error(
      "BucketAlreadyOwnedByYou",
      "Your previous request to create the named bucket succeeded and you already own it.",
      { details: [["BucketName", bucket]] },
    );
  }
  replyEmpty(exchange, 200, { location: `/${bucket}` });
}

export function headBucket(exchange: Exchange): void {
  const { region } = exchange.store.bucket(exchange.bucket);
  replyEmpty(exchange, 200, { "x-amz-bucket-region": region, "x-amz-access-point-alias": "false" });
}

export function deleteBucket(exchange: Exchange): void {
  exchange.store.deleteBucket(exchange.bucket);
  replyEmpty(exchange, 204);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
export function getBucketLocation(exchange: Exchange): void {
  const { region } = exchange.store.bucket(exchange.bucket);
  // The only response whose root contains text.
  replyXml(exchange, "LocationConstraint", region === CLASSIC_REGION ? "" : region);
}

export function getBucketVersioning(exchange: Exchange): void {
  const { versioning } = exchange.store.bucket(exchange.bucket);
  replyXml(exchange, "VersioningConfiguration", [["Status", versioning]]);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html */
export async function putBucketVersioning(exchange: Exchange): Promise<void> {
  const { store, bucket } = exchange;
  store.bucket(bucket);
  const configuration = parseRoot(await receiveDocument(exchange), "VersioningConfiguration");
  if (childText(configuration, "MfaDelete") === "Enabled") throw notImplemented("MFA delete");
  const status = childText(configuration, "Status");
  if (status !== "Enabled" && status !== "Suspended") throw malformedXml();
  store.configureBucket(bucket, { versioning: status });
  replyEmpty(exchange, 200);
}

export function getBucketNotification(exchange: Exchange): void {
  const { eventBridge } = exchange.store.bucket(exchange.bucket);
  replyXml(exchange, "NotificationConfiguration", eventBridge ? [["EventBridgeConfiguration", ""]] : []);
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html;
 * EventBridge is the only supported target.
 */
export async function putBucketNotification(exchange: Exchange): Promise<void> {
  const { store, bucket } = exchange;
  store.bucket(bucket);
  const { children } = parseRoot(await receiveDocument(exchange), "NotificationConfiguration");
  const other = children.find(({ name }) => name !== "EventBridgeConfiguration");
  if (other !== undefined) throw notImplemented(`${other.name} of a notification configuration`);
  store.configureBucket(bucket, { eventBridge: children.length > 0 });
  replyEmpty(exchange, 200);
}

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

function replyPrivateAcl(exchange: Exchange): void {
  const grantee: XmlField = [`Grantee ${XSI} xsi:type="CanonicalUser"`, OWNER[1]];
  replyXml(exchange, "AccessControlPolicy", [
    OWNER,
    ["AccessControlList", [["Grant", [grantee, ["Permission", "FULL_CONTROL"]]]]],
  ]);
}

export function getBucketAcl(exchange: Exchange): void {
  exchange.store.bucket(exchange.bucket);
  replyPrivateAcl(exchange);
}

export function getObjectAcl(exchange: Exchange): void {
  findObject(exchange);
  replyPrivateAcl(exchange);
}
