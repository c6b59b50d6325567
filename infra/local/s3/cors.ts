import { S3Error } from "./errors.ts";
import { type Exchange, type Headers, header, replyEmpty } from "./exchange.ts";

const METHODS = "GET, PUT, POST, DELETE, HEAD";
const MAX_AGE_SECONDS = "3000";
/** Pages served by this machine may use the local stack; any other page that a developer has open may not read it. */
const LOCAL_ORIGIN = /^https?:\/\/(?:[\w.-]+\.)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Headers that scripts may read beside the harmless ones. */
const EXPOSED = [
  "ETag",
  "Content-Range",
  "Accept-Ranges",
  "Content-Length",
  "Content-Encoding",
  "Content-Disposition",
  "x-amz-version-id",
  "x-amz-delete-marker",
  "x-amz-request-id",
  "x-amz-id-2",
  "x-amz-checksum-crc32",
  "x-amz-checksum-crc32c",
  "x-amz-checksum-crc64nvme",
  "x-amz-checksum-sha1",
  "x-amz-checksum-sha256",
  "x-amz-checksum-type",
].join(", ");

/** For the answer to a page of this machine; none for others. */
export function corsHeaders(exchange: Pick<Exchange, "headers">): Headers {
  const { origin } = exchange.headers;
  if (origin === undefined || !LOCAL_ORIGIN.test(origin)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": EXPOSED,
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
}

/** The preflight of https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html. Throws `AccessForbidden`. */
export function answerPreflight(exchange: Exchange): void {
  if (
    header(exchange, "access-control-request-method") === undefined ||
    Object.keys(corsHeaders(exchange)).length === 0
  ) {
    throw new S3Error("AccessForbidden", "CORSResponse: This CORS request is not allowed.");
  }
  const requested = header(exchange, "access-control-request-headers");
  replyEmpty(exchange, 200, {
    "access-control-allow-methods": METHODS,
    "access-control-max-age": MAX_AGE_SECONDS,
    ...(requested !== undefined && { "access-control-allow-headers": requested }),
  });
}
