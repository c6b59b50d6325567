import type { Query } from "./address.ts";
import { S3Error } from "./errors.ts";
import { isoDate } from "./exchange.ts";

/** A week: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
const MAX_EXPIRY_SECONDS = 604_800;
/** How far a client's clock may be ahead. */
const SKEW_MS = 15 * 60_000;

const unusable = (message: string): S3Error => new S3Error("AuthorizationQueryParametersError", message);

function expired(expiry: number, now: number, seconds?: string): S3Error {
  return new S3Error("AccessDenied", "Request has expired", {
    details: [
      ["X-Amz-Expires", seconds],
      ["Expires", isoDate(expiry)],
      ["ServerTime", isoDate(now)],
    ],
  });
}

/**
 * Refuses an expired presigned URL. Signatures are not checked: the local stack accepts any
 * credentials. `now` in milliseconds of the epoch. Throws `AccessDenied` and
 * `AuthorizationQueryParametersError`.
 */
export function checkPresignedExpiry(query: Query, now: number): void {
  const legacy = query.get("Expires");
  if (legacy !== undefined && query.has("Signature")) {
    const expiry = Number(legacy) * 1000;
    if (!(expiry > now)) throw expired(Number.isFinite(expiry) ? expiry : 0, now);
  }
  if (!query.has("X-Amz-Signature") && !query.has("X-Amz-Expires")) return;
  const seconds = query.get("X-Amz-Expires") ?? "";
  if (!/^\d+$/.test(seconds)) throw unusable("X-Amz-Expires should be a number");
  if (Number(seconds) > MAX_EXPIRY_SECONDS) {
    throw unusable(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRY_SECONDS} seconds`,
    );
  }
  const fields = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(query.get("X-Amz-Date") ?? "");
  const date =
    fields === null ? Number.NaN : Date.parse(`${fields.slice(1, 4).join("-")}T${fields.slice(4).join(":")}Z`);
  if (Number.isNaN(date)) throw unusable("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  if (date > now + SKEW_MS) throw new S3Error("AccessDenied", "Request is not yet valid");
  const expiry = date + Number(seconds) * 1000;
  if (expiry <= now) throw expired(expiry, now, seconds);
}
