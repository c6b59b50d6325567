import { invalidArgument, notImplemented, S3Error } from "./errors.ts";
import { type Exchange, type Headers, header } from "./exchange.ts";
import { decodeWords, encodeWord } from "./rfc2047.ts";
import type { Attributes, Tag } from "./state.ts";
import { parseTagHeader } from "./tagging.ts";

const META = "x-amz-meta-";
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const MAX_METADATA_BYTES = 2048;
const DEFAULT_TYPE = "binary/octet-stream";

const ENCRYPTION = "x-amz-server-side-encryption";
const ENCRYPTION_HEADERS = [ENCRYPTION, `${ENCRYPTION}-aws-kms-key-id`, `${ENCRYPTION}-bucket-key-enabled`] as const;

const REDIRECT = "x-amz-website-redirect-location";

/** Stored and returned as the client sent it. */
const KEPT = [
  "content-type",
  "content-disposition",
  "content-language",
  "cache-control",
  "expires",
  REDIRECT,
  ...ENCRYPTION_HEADERS,
] as const;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, x-amz-storage-class */
const STORAGE_CLASSES = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "GLACIER_IR",
];

/** Headers for features that the emulator doesn't have. */
const UNSUPPORTED = [
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-copy-source-server-side-encryption-customer-algorithm",
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
  "x-amz-write-offset-bytes",
  "x-amz-if-match-last-modified-time",
  "x-amz-if-match-size",
  "x-amz-rename-source",
];

/**
 * Buckets are created with ACLs disabled:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */
const ALLOWED_ACLS = ["private", "bucket-owner-full-control"];

/** Throws `AccessControlListNotSupported` for an ACL that grants access to others. */
export function refuseAcl(acl: string): void {
  if (ALLOWED_ACLS.includes(acl)) return;
  throw new S3Error("AccessControlListNotSupported", "The bucket does not allow ACLs");
}

/**
 * Throws `NotImplemented` and `AccessControlListNotSupported` for headers of features that the
 * emulator doesn't have.
 */
export function refuseUnsupportedHeaders(exchange: Exchange): void {
  for (const name of UNSUPPORTED) if (exchange.headers[name] !== undefined) throw notImplemented(`Header ${name}`);
  const grants = Object.keys(exchange.headers).some((name) => name.startsWith("x-amz-grant-"));
  refuseAcl(grants ? "x-amz-grant" : (header(exchange, "x-amz-acl") ?? "private"));
}

/** Headers of one name are joined by a bare comma, which `IncomingMessage.headers` does not do. */
function userMetadataOf(rawHeaders: readonly string[]): Record<string, string> {
  const raw = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (!name.startsWith(META)) continue;
    const key = name.slice(META.length);
    const before = raw.get(key);
    raw.set(key, before === undefined ? rawHeaders[at + 1]! : `${before},${rawHeaders[at + 1]}`);
  }
  return Object.fromEntries([...raw].map(([name, value]) => [name, decodeWords(value)]));
}

function refuseLargeMetadata(metadata: Record<string, string>): void {
  const size = Object.entries(metadata).reduce((sum, [name, value]) => sum + Buffer.byteLength(name + value), 0);
  if (size <= MAX_METADATA_BYTES) return;
  throw new S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", {
    details: [
      ["Size", size],
      ["MaxSizeAllowed", MAX_METADATA_BYTES],
    ],
  });
}

const withoutFraming = (encoding: string): string =>
  encoding
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "aws-chunked")
    .join(",");

/**
 * Checks and completes the values of headers or of a form's fields. Throws `MetadataTooLarge` and
 * `InvalidStorageClass`.
 */
export function makeAttributes(
  stated: (name: string) => string | undefined,
  userMetadata: Record<string, string>,
  tags: Tag[],
): Attributes {
  refuseLargeMetadata(userMetadata);
  const headers: Record<string, string> = { "content-type": DEFAULT_TYPE, [ENCRYPTION]: "AES256" };
  for (const name of KEPT) {
    const value = stated(name);
    if (value !== undefined && value !== "") headers[name] = value;
  }
  const encoding = withoutFraming(stated("content-encoding") ?? "");
  if (encoding !== "") headers["content-encoding"] = encoding;
  const storageClass = stated("x-amz-storage-class") ?? "STANDARD";
  if (!STORAGE_CLASSES.includes(storageClass)) {
    throw new S3Error("InvalidStorageClass", "The storage class you specified is not valid");
  }
  return { headers, userMetadata, storageClass, tags };
}

/** The object's attributes in the headers of a PUT, a copy or a new multipart upload. */
export function attributesOf(exchange: Exchange): Attributes {
  const tags = parseTagHeader(header(exchange, "x-amz-tagging") ?? "");
  return makeAttributes((name) => header(exchange, name), userMetadataOf(exchange.request.rawHeaders), tags);
}

/** Those of a source, for a copy: a redirect, a storage class and encryption are the copy's own. */
export function copiedAttributes(source: Attributes, own: Attributes): Attributes {
  const { [REDIRECT]: _redirect, ...headers } = source.headers;
  const encryption = ENCRYPTION_HEADERS.flatMap((name) => {
    const value = own.headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const name of ENCRYPTION_HEADERS) delete headers[name];
  return {
    headers: { ...headers, ...Object.fromEntries(encryption) },
    userMetadata: source.userMetadata,
    storageClass: own.storageClass,
    tags: source.tags,
  };
}

/** The headers of the response to a write. */
export const encryptionHeaders = ({ headers }: Attributes): Headers =>
  Object.fromEntries(
    ENCRYPTION_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );

/** The headers of the response to a read. */
export function attributeHeaders({ headers, userMetadata, storageClass, tags }: Attributes): Headers {
  return {
    ...headers,
    ...Object.fromEntries(Object.entries(userMetadata).map(([name, value]) => [META + name, encodeWord(value)])),
    ...(storageClass !== "STANDARD" && { "x-amz-storage-class": storageClass }),
    ...(tags.length > 0 && { "x-amz-tagging-count": String(tags.length) }),
  };
}

/**
 * Query parameters of a GET that replace stored headers:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
const OVERRIDES = [
  "content-type",
  "content-language",
  "expires",
  "cache-control",
  "content-disposition",
  "content-encoding",
];

/**
 * A text as the value of a header: its UTF-8 bytes. Throws `InvalidArgument` for control
 * characters.
 */
export function headerValue(name: string, text: string): string {
  if (/[^\t\x20-\x7e\u0080-\u{10ffff}]/u.test(text)) {
    throw invalidArgument(name, text, "Header value cannot be represented using ISO-8859-1.");
  }
  return Buffer.from(text).toString("latin1");
}

/** Throws `InvalidArgument` for a value that a header can't contain. */
export function overriddenHeaders({ query }: Exchange): Headers {
  const overrides: Headers = {};
  for (const name of OVERRIDES) {
    const value = query.get(`response-${name}`);
    if (value !== undefined) overrides[name] = headerValue(`response-${name}`, value);
  }
  return overrides;
}
