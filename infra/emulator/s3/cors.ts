import type { IncomingMessage } from "node:http";
import { foreignPage, isLoopback } from "../callers.ts";
import { parseAddress, parseTarget } from "./address.ts";
import { S3Error } from "./errors.ts";
import { type Exchange, type Headers, header, replyEmpty } from "./exchange.ts";
import { isForm } from "./form-data.ts";
import type { CorsRule } from "./state.ts";
import type { Store } from "./store.ts";

/** Whether a text matches a pattern, which may contain one `*`. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

const isOfThisMachine = (origin: string): boolean => URL.canParse(origin) && isLoopback(new URL(origin).hostname);

/**
 * Whether a rule allows an origin. Unlike in S3, a pattern that ends in `*` allows only pages of
 * this machine, and no pattern allows "null". The stack accepts any credentials, so it can't check
 * the signatures of a page's requests as S3 does.
 */
function namesOrigin(pattern: string, origin: string): boolean {
  return matches(pattern, origin) && origin !== "null" && (!pattern.endsWith("*") || isOfThisMachine(origin));
}

const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");

type Requested = { method: string; headers: string[] };

/** The request to check: the one that a preflight announces, otherwise the request itself. */
function requested({ method = "", headers }: IncomingMessage): Requested {
  const preflighted = method === "OPTIONS" ? headers["access-control-request-method"] : undefined;
  if (preflighted === undefined) return { method, headers: [] };
  return { method: preflighted, headers: listOf(String(headers["access-control-request-headers"] ?? "")) };
}

/**
 * The first rule that allows it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
function ruleFor(rules: readonly CorsRule[], origin: string, { method, headers }: Requested): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.origins.some((pattern) => namesOrigin(pattern, origin)) &&
      rule.methods.includes(method) &&
      headers.every((name) => rule.headers.some((pattern) => matches(pattern.toLowerCase(), name))),
  );
}

function ruleOf(request: IncomingMessage, store: Store, bucket: string): CorsRule | undefined {
  const { origin } = request.headers;
  return origin === undefined ? undefined : ruleFor(store.findBucket(bucket)?.cors ?? [], origin, requested(request));
}

/** Whether the rules of a request's bucket allow it to the page that it comes from. */
export function isPageAllowed(request: IncomingMessage, store: Store): boolean {
  try {
    const { bucket } = parseAddress(parseTarget(request.url ?? "/").path, request.headers.host ?? "");
    return ruleOf(request, store, bucket) !== undefined;
  } catch (error) {
    if (error instanceof S3Error) return false;
    throw error;
  }
}

/** Response headers for a page that a rule allows; none for others. */
export function corsHeaders({ request, store, bucket }: Exchange): Headers {
  const rule = ruleOf(request, store, bucket);
  if (rule === undefined) return {};
  return {
    "access-control-allow-origin": request.headers.origin ?? "",
    "access-control-allow-methods": rule.methods.join(", "),
    ...(rule.exposed.length > 0 && { "access-control-expose-headers": rule.exposed.join(", ") }),
    ...(rule.maxAgeSeconds !== undefined && { "access-control-max-age": String(rule.maxAgeSeconds) }),
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
}

/**
 * A page that a rule allows must sign its requests, as with S3; a form signs its policy instead.
 * Throws `AccessDenied`.
 */
export function requireSignatureOfPage(exchange: Exchange): void {
  const { request, headers, query } = exchange;
  if (request.method === "OPTIONS" || foreignPage(headers) === undefined) return;
  const isSigned = headers.authorization?.startsWith("AWS") || query.has("X-Amz-Signature") || query.has("Signature");
  if (isSigned || (request.method === "POST" && isForm(exchange))) return;
  throw new S3Error("AccessDenied", "A page must sign its requests: use a presigned URL, or an SDK with credentials");
}

/**
 * The preflight of https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html. Throws
 * `AccessForbidden`.
 */
export function answerPreflight(exchange: Exchange): void {
  const { request, store, bucket } = exchange;
  if (header(exchange, "access-control-request-method") === undefined || ruleOf(request, store, bucket) === undefined)
    throw new S3Error("AccessForbidden", "CORSResponse: This CORS request is not allowed.");
  const requested = header(exchange, "access-control-request-headers");
  replyEmpty(exchange, 200, requested === undefined ? {} : { "access-control-allow-headers": requested });
}
