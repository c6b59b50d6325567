import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { foreignPage, isLoopbackHost } from "./callers.ts";
import { xmlDocument } from "./s3/xml-writing.ts";

/**
 * Why a request is refused, and what to do; undefined where it is allowed. `allows` returns whether
 * the rules of a bucket allow a page's request. Reads headers only. See
 * docs/decisions/local-stack-and-web-pages.md.
 */
export function reasonToRefuse(request: IncomingMessage, allows: (origin: string) => boolean): string | undefined {
  const { host = [] } = request.headersDistinct;
  if (host.length === 0 || !host.every(isLoopbackHost))
    return `The Host header is "${host.join(", ")}", which isn't a name of this machine. Use 127.0.0.1, [::1], localhost or BUCKET.localhost`;
  const page = foreignPage(request.headers);
  if (page === undefined) return undefined;
  const { origin } = page;
  if (origin === undefined)
    return "A page of another site may not use the local stack. Where the bucket's CORS rules allow the page, let the browser send its Origin: use fetch, or the attribute crossorigin";
  return allows(origin)
    ? undefined
    : `A page of ${origin} may not use the local stack. If it is yours, allow its origin for its bucket with "aws s3api put-bucket-cors"`;
}

type JsonForm = { contentType: string; code: string };

const JSON_FORMS = {
  dynamodb: { contentType: "application/x-amz-json-1.0", code: "AccessDeniedException" },
  events: { contentType: "application/x-amz-json-1.1", code: "AccessDeniedException" },
  sqs: { contentType: "application/x-amz-json-1.0", code: "AccessDenied" },
  lambda: { contentType: "application/json", code: "AccessDeniedException" },
  sts: { contentType: "application/json", code: "AccessDenied" },
  tags: { contentType: "application/x-amz-json-1.1", code: "AccessDeniedException" },
  own: { contentType: "application/json", code: "AccessDenied" },
} as const satisfies Record<string, JsonForm>;

/**
 * Responds 403 in the form of a service's own errors. The body isn't read, and the connection is
 * closed.
 */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  service: keyof typeof JSON_FORMS | "s3",
  message: string,
): void {
  const requestId = randomUUID();
  // The received data must be read. Otherwise closing the connection would reset it before the
  // client has read the response.
  request.resume();
  response.setHeader("connection", "close");
  if (service === "s3") {
    const fields = [
      ["Code", "AccessDenied"],
      ["Message", message],
      ["RequestId", requestId],
    ] as const;
    const headers = { "content-type": "application/xml", "x-amz-request-id": requestId };
    response.writeHead(403, headers).end(xmlDocument("Error", fields, false));
    return;
  }
  const { contentType, code } = JSON_FORMS[service];
  const headers = { "content-type": contentType, "x-amzn-errortype": code, "x-amzn-requestid": requestId };
  response.writeHead(403, headers).end(JSON.stringify({ __type: code, message }));
}
