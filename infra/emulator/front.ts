import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonToRefuse, refuse } from "./refusals.ts";
import type { LocalS3 } from "./s3/index.ts";
import { sts } from "./sts.ts";

/** An HTTP handler. */
export type Service = { handle(request: IncomingMessage, response: ServerResponse): void };

export type Services = Record<"dynamodb" | "events" | "sqs" | "lambda" | "tags", Service> & {
  s3: Service & Pick<LocalS3, "allowsPage">;
  /** A service of the stack's owner, at this path and below it, such as "/console". */
  own?: Service & { path: string };
};

/** The port is in use. */
export class PortInUseError extends Error {
  override name = "PortInUseError";
}

/** Of the Resource Groups Tagging API's operations. */
export const TAGS_TARGET_PREFIX = "ResourceGroupsTaggingAPI_20170126.";

/**
 * The service that a signature is for: "…/REGION/SERVICE/aws4_request". Any path may be an
 * object's, so the path doesn't show the service.
 */
const signedFor = (authorization: string): string | undefined =>
  /\/([a-z0-9-]+)\/aws4_request/.exec(authorization)?.[1];

/** Hosts that name the stack itself: below localhost they name a bucket. */
const OWN_HOST = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)(?::\d{1,5})?$/i;

/**
 * Whether a request is for the owner's service. A bucket may have the same name: what is signed, or
 * names its bucket by the host, is for S3.
 */
function isForOwner({ headers, url = "" }: IncomingMessage, path: string): boolean {
  const [asked = "", query = ""] = url.split("?");
  const isSigned = headers.authorization !== undefined || /(?:^|&)X-Amz-Signature=/.test(query);
  return (asked === path || asked.startsWith(`${path}/`)) && !isSigned && OWN_HOST.test(headers.host ?? "");
}

/**
 * The service of a request, by the operation that it names or by its signature; otherwise the
 * owner's, by its path, or S3.
 */
function serviceOf(request: IncomingMessage, own: Services["own"]): keyof Services | "sts" {
  const { headers } = request;
  const target = String(headers["x-amz-target"] ?? "");
  if (target.startsWith("DynamoDB")) return "dynamodb";
  if (target.startsWith("AWSEvents")) return "events";
  if (target.startsWith(TAGS_TARGET_PREFIX)) return "tags";
  const signed = signedFor(headers.authorization ?? "");
  if (target.startsWith("AmazonSQS") || signed === "sqs") return "sqs";
  if (signed === "sts") return "sts";
  if (signed === "lambda") return "lambda";
  return own !== undefined && isForOwner(request, own.path) ? "own" : "s3";
}

/**
 * Intercepts a request: calls `serve` to pass it on, or responds itself, or breaks the connection.
 */
export type Intercept = (request: IncomingMessage, response: ServerResponse, serve: () => void) => void;

const letThrough: Intercept = (_request, _response, serve) => serve();

export type Front = { endpoint: string; close(): Promise<void> };

/**
 * Listens on loopback only, on any free port if `port` is 0. Until `services` exist, clients
 * receive an error that every SDK retries. Web pages of other sites are refused. Throws
 * `PortInUseError`.
 */
export async function listen(
  port: number,
  services: () => Services | undefined,
  intercept: Intercept = letThrough,
): Promise<Front> {
  const server = createServer((request, response) => {
    const open = services();
    if (open === undefined) return void response.writeHead(503, { "Retry-After": "1" }).end();
    const service = serviceOf(request, open.own);
    const served = { ...open, sts };
    const reason = reasonToRefuse(request, () => service === "s3" && open.s3.allowsPage(request));
    if (reason !== undefined) return refuse(request, response, service, reason);
    intercept(request, response, () => served[service]?.handle(request, response));
  });
  // An upload of many GB takes long.
  server.requestTimeout = 0;
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new PortInUseError(
      `Port ${port} is in use. Stop what listens there, or choose another one: --port ${port + 1}`,
      {
        cause,
      },
    );
  }
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
