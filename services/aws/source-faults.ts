import { type SourceFault, SourceUnavailableError } from "../video/errors.ts";
import { answerOf, type S3Answer } from "./s3-errors.ts";

/** An object of S3, as a request names it. */
export type ObjectName = { bucket: string; key: string; versionId?: string | undefined };

export const uriOf = ({ bucket, key }: ObjectName): string => `s3://${bucket}/${key}`;

/**
 * A KMS key that is disabled, pending deletion, deleted or forbidden. Without transient KMS errors.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors
 */
const KEY_CODES = [
  "KMS.AccessDeniedException",
  "KMS.DisabledException",
  "KMS.InvalidKeyUsageException",
  "KMS.KMSInvalidStateException",
  "KMS.NotFoundException",
  "KMS.UnrecognizedClientException",
];

/** 403 because of the caller's credentials or clock, not of the object. */
const CREDENTIAL_CODES = ["InvalidAccessKeyId", "InvalidSecurity", "RequestTimeTooSkewed", "SignatureDoesNotMatch"];

/**
 * Names that no object can have. `EndpointError` is the SDK's own: the bucket's name can't be part
 * of an address.
 */
const IMPOSSIBLE_NAME_CODES = ["EndpointError", "InvalidBucketName", "InvalidURI", "KeyTooLongError"];

function isInOtherRegion({ status, code, bucketRegion }: S3Answer): boolean {
  if (status === 301 || code === "IllegalLocationConstraintException") return true;
  return code === "AuthorizationHeaderMalformed" && bucketRegion !== undefined;
}

function reasonOf(answer: S3Answer): SourceFault | undefined {
  const { status, code, message } = answer;
  if (isInOtherRegion(answer)) return "SourceInOtherRegion";
  if (code === "InvalidObjectState") return "SourceArchived";
  if (KEY_CODES.includes(code)) return "SourceKeyForbidden";
  if (code === "InvalidRequest" && /encryption/i.test(message)) return "SourceKeyRequired";
  if (IMPOSSIBLE_NAME_CODES.includes(code)) return "SourceNotFound";
  if (code === "InvalidArgument" && /version id/i.test(message)) return "SourceNotFound";
  if (status === 403) {
    if (CREDENTIAL_CODES.includes(code)) return undefined;
    return /\bkms:/i.test(message) ? "SourceKeyForbidden" : "SourceForbidden";
  }
  // 405: a delete marker, requested by its version id.
  if (status === 404 || status === 405) return "SourceNotFound";
  // 416: overwritten by something shorter.
  return status === 412 || status === 416 ? "SourceChanged" : undefined;
}

const REQUEST_AGAIN = 'then request the split with "npx video-split request"';

/** For each fault, what is wrong and what to do next. `detail` has further information. */
const MESSAGES: Record<SourceFault, (uri: string, detail: string) => string> = {
  SourceArchived: (uri, detail) =>
    `${uri} is archived (${detail}), so S3 doesn't return its bytes. Restore the object, wait until that is finished, ` +
    `${REQUEST_AGAIN}.`,
  SourceChanged: (uri) =>
    `${uri} was overwritten before it was read to its end. The new object is split on its own upload event.`,
  SourceForbidden: (uri, detail) =>
    `S3 doesn't allow this service to read ${uri} (${detail}). Add its location to video_split.request_sources and deploy, or ` +
    `remove what denies it from the bucket's policy, ${REQUEST_AGAIN}.`,
  SourceInOtherRegion: (uri, detail) =>
    `The bucket of ${uri} is in another region than this service (${detail}). Copy the object to a bucket in the service's ` +
    `region, ${REQUEST_AGAIN}.`,
  SourceKeyForbidden: (uri, detail) =>
    `${uri} is encrypted with a KMS key that this service can't use (${detail}). Enable the key and allow the split function's ` +
    `role kms:Decrypt with it, ${REQUEST_AGAIN}.`,
  SourceKeyRequired: (uri) =>
    `${uri} is encrypted with a key that S3 doesn't keep (SSE-C). Upload it again without a key of your own.`,
  SourceNotFound: (uri) => `${uri} doesn't exist (any more). Upload it again.`,
};

/** The error that reports a fault of an object. `detail` is a phrase without a full stop. */
export const unavailable = (reason: SourceFault, object: ObjectName, detail: string, options?: ErrorOptions) =>
  new SourceUnavailableError(reason, MESSAGES[reason](uriOf(object), detail), options);

/**
 * S3's own text stays in the cause: it names roles and keys, and the uploader reads this message.
 */
const detailOf = ({ status, code, bucketRegion }: S3Answer): string =>
  bucketRegion === undefined ? `${status ?? "no answer"} ${code}` : bucketRegion;

/**
 * Why S3 won't return this object in any attempt; undefined for an error that may be transient or
 * isn't about the object. `error` must be that of a GET: the response to a HEAD has no body, and so
 * no code.
 */
export function faultOf(error: unknown, object: ObjectName): SourceUnavailableError | undefined {
  const answer = answerOf(error);
  const reason = reasonOf(answer);
  return reason && unavailable(reason, object, detailOf(answer), { cause: error });
}
