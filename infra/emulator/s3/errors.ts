import type { XmlField } from "./xml-writing.ts";

/**
 * HTTP status of each error code:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const STATUS = {
  AccessControlListNotSupported: 400,
  AccessDenied: 403,
  AccessForbidden: 403,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidObjectState: 403,
  InvalidPart: 400,
  InvalidPartNumber: 416,
  InvalidPartOrder: 400,
  InvalidPolicyDocument: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidStorageClass: 400,
  InvalidTag: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedPOSTRequest: 400,
  MalformedTrailerError: 400,
  MalformedXML: 400,
  MaxMessageLengthExceeded: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NotImplemented: 501,
  NotModified: 304,
  PreconditionFailed: 412,
  ServiceUnavailable: 503,
  XAmzContentSHA256Mismatch: 400,
} as const;
export type S3ErrorCode = keyof typeof STATUS;

type Extras = {
  /** Elements beside Code and Message, such as BucketName. */
  details?: readonly XmlField[];
  headers?: Record<string, string>;
};

/** An error that is returned to the client: its code, its message and S3's status for the code. */
export class S3Error extends Error {
  override name = "S3Error";
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly details: readonly XmlField[];
  readonly headers: Record<string, string>;

  constructor(code: S3ErrorCode, message: string, extras: Extras = {}) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
    this.details = extras.details ?? [];
    this.headers = extras.headers ?? {};
  }
}

export const noSuchBucket = (bucket: string): S3Error =>
  new S3Error("NoSuchBucket", "The specified bucket does not exist", { details: [["BucketName", bucket]] });

export const noSuchKey = (key: string, headers: Record<string, string> = {}): S3Error =>
  new S3Error("NoSuchKey", "The specified key does not exist.", { details: [["Key", key]], headers });

export const noSuchUpload = (uploadId: string): S3Error =>
  new S3Error(
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { details: [["UploadId", uploadId]] },
  );

export const preconditionFailed = (condition: string): S3Error =>
  new S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
    details: [["Condition", condition]],
  });

export const invalidArgument = (name: string, value: string, message: string): S3Error =>
  new S3Error("InvalidArgument", message, {
    details: [
      ["ArgumentName", name],
      ["ArgumentValue", value],
    ],
  });

export const malformedXml = (): S3Error =>
  new S3Error(
    "MalformedXML",
    "The XML you provided was not well-formed or did not validate against our published schema",
  );

export const notImplemented = (what: string): S3Error =>
  new S3Error("NotImplemented", `${what} is not implemented by the local S3 server.`);
