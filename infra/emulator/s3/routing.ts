import { deleteBucketCors, getBucketCors, putBucketCors } from "./bucket-cors.ts";
import {
  createBucket,
  deleteBucket,
  getBucketAcl,
  getBucketLocation,
  getBucketNotification,
  getBucketVersioning,
  getObjectAcl,
  headBucket,
  listBuckets,
  putBucketNotification,
  putBucketVersioning,
} from "./bucket-operations.ts";
import { copyObject } from "./copy-object.ts";
import { answerPreflight } from "./cors.ts";
import { deleteObject, deleteObjects } from "./delete-object.ts";
import { notImplemented } from "./errors.ts";
import type { Exchange, Operation } from "./exchange.ts";
import { getObject, headObject } from "./get-object.ts";
import { listObjects, listObjectsV2 } from "./list-objects.ts";
import { listObjectVersions } from "./list-versions.ts";
import { completeMultipartUpload } from "./multipart-completion.ts";
import { listMultipartUploads, listParts } from "./multipart-listing.ts";
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from "./multipart-upload.ts";
import { getObjectAttributes } from "./object-attributes.ts";
import { postObject } from "./post-object.ts";
import { putObject } from "./put-object.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./tagging.ts";
import { operationName, subresources } from "./unsupported.ts";
import { methodNotAllowed } from "./versions.ts";

const isCopy = ({ headers }: Exchange): boolean => headers["x-amz-copy-source"] !== undefined;

const listByVersion: Operation = (exchange) =>
  exchange.query.get("list-type") === "2" ? listObjectsV2(exchange) : listObjects(exchange);
const putOrCopy: Operation = (exchange) => (isCopy(exchange) ? copyObject(exchange) : putObject(exchange));
const partOrCopy: Operation = (exchange) => (isCopy(exchange) ? uploadPartCopy(exchange) : uploadPart(exchange));

/** By what the request is about, method and the parameter that selects the operation. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries<Operation>({
    "Service GET": listBuckets,

    "Bucket PUT": createBucket,
    "Bucket HEAD": headBucket,
    "Bucket DELETE": deleteBucket,
    "Bucket GET": listByVersion,
    "Bucket GET versions": listObjectVersions,
    "Bucket GET uploads": listMultipartUploads,
    "Bucket GET location": getBucketLocation,
    "Bucket GET versioning": getBucketVersioning,
    "Bucket PUT versioning": putBucketVersioning,
    "Bucket GET notification": getBucketNotification,
    "Bucket PUT notification": putBucketNotification,
    "Bucket GET acl": getBucketAcl,
    "Bucket GET cors": getBucketCors,
    "Bucket PUT cors": putBucketCors,
    "Bucket DELETE cors": deleteBucketCors,
    "Bucket POST": postObject,
    "Bucket POST delete": deleteObjects,

    "Object PUT": putOrCopy,
    "Object GET": getObject,
    "Object HEAD": headObject,
    "Object DELETE": deleteObject,
    "Object GET attributes": getObjectAttributes,
    "Object GET acl": getObjectAcl,
    "Object GET tagging": getObjectTagging,
    "Object PUT tagging": putObjectTagging,
    "Object DELETE tagging": deleteObjectTagging,
    "Object POST uploads": createMultipartUpload,
    "Object PUT uploadId": partOrCopy,
    "Object GET uploadId": listParts,
    "Object POST uploadId": completeMultipartUpload,
    "Object DELETE uploadId": abortMultipartUpload,
  }),
);

/**
 * The operation of a request. Throws `MethodNotAllowed`, and `NotImplemented` for what isn't
 * served.
 */
export function routeOf(exchange: Exchange): Operation {
  const method = exchange.request.method ?? "";
  if (method === "OPTIONS") return answerPreflight;
  const level = exchange.bucket === "" ? "Service" : exchange.key === "" ? "Bucket" : "Object";
  const names = subresources(exchange.query);
  const operation = OPERATIONS.get([level, method, ...names].join(" "));
  if (operation !== undefined) return operation;
  if (names.length === 0) throw methodNotAllowed(method, level.toUpperCase());
  throw notImplemented(operationName(method, level, names));
}
