import { S3Error } from "./errors.ts";

/** The resource of a request. Empty bucket: the service; empty key: the bucket. */
export type Address = { bucket: string; key: string };

/** Query parameters, decoded. One without `=` has the empty string. */
export type Query = ReadonlyMap<string, string>;

/**
 * Hosts such as `videos.localhost` and `videos.s3.eu-west-1.amazonaws.com`; a bucket's name may
 * hold dots itself.
 */
const VIRTUAL_HOST = /^(.+?)\.(?:s3(?:[.-].+)?|localhost|127\.0\.0\.1)$/;

/** S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1024;

function decode(encoded: string): string {
  try {
    // Node decodes the request line as latin1, but bytes that a client didn't escape are UTF-8.
    return decodeURIComponent(Buffer.from(encoded, "latin1").toString("utf8"));
  } catch {
    throw new S3Error("InvalidURI", "Couldn't parse the specified URI.", { details: [["URI", encoded]] });
  }
}

/**
 * Splits a request target without normalising it: `..`, `//` and `+` are parts of names. Throws
 * `InvalidURI`.
 */
export function parseTarget(url: string): { path: string; query: Query } {
  const target = url.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new Map<string, string>();
  for (const pair of mark < 0 ? [] : target.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? "" : pair.slice(equals + 1);
    // Unlike in a path, a plus in a query is a space: forms in browsers send it. SDKs send %20 and
    // %2B.
    query.set(decode(name.replaceAll("+", " ")), decode(value.replaceAll("+", " ")));
  }
  return { path, query };
}

function virtualBucket(host: string): string {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (name.startsWith("s3.")) return "";
  return VIRTUAL_HOST.exec(name)?.[1] ?? "";
}

/** Bucket and key, by path or by virtual host. Throws `InvalidURI` and `KeyTooLongError`. */
export function parseAddress(path: string, host: string): Address {
  const rest = path.replace(/^\//, "");
  const bucket = virtualBucket(host);
  const slash = rest.indexOf("/");
  const address =
    bucket !== ""
      ? { bucket, key: decode(rest) }
      : slash < 0
        ? { bucket: decode(rest), key: "" }
        : { bucket: decode(rest.slice(0, slash)), key: decode(rest.slice(slash + 1)) };
  refuseLongKey(address.key);
  return address;
}

/** Throws `KeyTooLongError`. */
export function refuseLongKey(key: string): void {
  const size = Buffer.byteLength(key);
  if (size <= MAX_KEY_BYTES) return;
  throw new S3Error("KeyTooLongError", "Your key is too long", {
    details: [
      ["Size", size],
      ["MaxSizeAllowed", MAX_KEY_BYTES],
    ],
  });
}

/**
 * Whether a bucket may have this name:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes("..") &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(?:xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)
  );
}
