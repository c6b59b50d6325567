import { noSuchKey, notImplemented, preconditionFailed, S3Error } from "./errors.ts";
import { type Exchange, header, httpDate, quoted } from "./exchange.ts";
import type { ObjectVersion, Version } from "./state.ts";
import type { Precondition } from "./store.ts";

/**
 * Whether a list of entity tags, or `*`, names this one. Quotes may be missing, as some clients
 * send them.
 */
export function namesEtag(list: string, etag: string): boolean {
  return list.split(",").some((item) => {
    const name = item
      .trim()
      .replace(/^W\//, "")
      .replace(/^"(.*)"$/, "$1");
    return name === "*" || name === etag;
  });
}

/** Epoch milliseconds; undefined for an invalid date, which S3 ignores. */
function dateOf(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : time;
}

type Conditions = { match?: string; noneMatch?: string; modifiedSince?: string; unmodifiedSince?: string };

/** An entity tag takes precedence over a date: RFC 9110, section 13.2.2. */
function failure(object: ObjectVersion, conditions: Conditions): "changed" | "unchanged" | undefined {
  const { match, noneMatch } = conditions;
  const unmodifiedSince = dateOf(conditions.unmodifiedSince);
  const modifiedSince = dateOf(conditions.modifiedSince);
  if (match !== undefined) {
    if (!namesEtag(match, object.etag)) return "changed";
  } else if (unmodifiedSince !== undefined && object.lastModified > unmodifiedSince) {
    return "changed";
  }
  if (noneMatch !== undefined) return namesEtag(noneMatch, object.etag) ? "unchanged" : undefined;
  if (modifiedSince !== undefined && object.lastModified <= modifiedSince) return "unchanged";
  return undefined;
}

function conditionsOf(exchange: Exchange, prefix: string): Conditions {
  const names = {
    match: "if-match",
    noneMatch: "if-none-match",
    modifiedSince: "if-modified-since",
    unmodifiedSince: "if-unmodified-since",
  };
  const given = Object.entries(names).flatMap(([name, suffix]) => {
    const value = header(exchange, prefix + suffix);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(given);
}

/** Of a GET or HEAD. Throws `PreconditionFailed` and `NotModified`. */
export function checkReadConditions(exchange: Exchange, object: ObjectVersion): void {
  const failed = failure(object, conditionsOf(exchange, ""));
  if (failed === "changed") throw preconditionFailed("If-Match");
  if (failed === "unchanged") {
    throw new S3Error("NotModified", "Not Modified", {
      headers: { etag: quoted(object.etag), "last-modified": httpDate(object.lastModified) },
    });
  }
}

/** Of a copy's source. Throws `PreconditionFailed`. */
export function checkSourceConditions(exchange: Exchange, source: ObjectVersion): void {
  const prefix = "x-amz-copy-source-";
  if (failure(source, conditionsOf(exchange, prefix)) !== undefined) throw preconditionFailed(prefix);
}

/**
 * Of a write, against the existing object:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html The check throws
 * `PreconditionFailed` and `NoSuchKey`; creating it throws `NotImplemented` for conditions that S3
 * doesn't support either.
 */
export function writeConditions(exchange: Exchange): Precondition {
  const match = header(exchange, "if-match");
  const noneMatch = header(exchange, "if-none-match");
  if (noneMatch !== undefined && noneMatch !== "*") throw notImplemented("If-None-Match with an entity tag on a write");
  return (newest: Version | undefined) => {
    const object = newest?.kind === "object" ? newest : undefined;
    if (noneMatch !== undefined && object !== undefined) throw preconditionFailed("If-None-Match");
    if (match === undefined) return;
    if (object === undefined) throw noSuchKey(exchange.key);
    if (!namesEtag(match, object.etag)) throw preconditionFailed("If-Match");
  };
}
