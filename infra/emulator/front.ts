import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { reasonToRefuse, refuse } from "./refusals.ts";
import type { LocalS3 } from "./s3/index.ts";

/** An HTTP handler. */
export type Service = { handle(request: IncomingMessage, response: ServerResponse): void };

export type Services = Record<"dynamodb" | "events" | "sqs" | "lambda" | "tags", Service> & {
  s3: Service & Pick<LocalS3, "allowsPage">;
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

/** The service of a request, by the operation that it names or by its signature; otherwise S3. */
function serviceOf({ headers }: IncomingMessage): keyof Services {
  const target = String(headers["x-amz-target"] ?? "");
  if (target.startsWith("DynamoDB")) return "dynamodb";
  if (target.startsWith("AWSEvents")) return "events";
  if (target.startsWith(TAGS_TARGET_PREFIX)) return "tags";
  const signed = signedFor(headers.authorization ?? "");
  if (target.startsWith("AmazonSQS") || signed === "sqs") return "sqs";
  return signed === "lambda" ? "lambda" : "s3";
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
    const service = serviceOf(request);
    const reason = reasonToRefuse(request, () => service === "s3" && open.s3.allowsPage(request));
    if (reason !== undefined) return refuse(request, response, service, reason);
    intercept(request, response, () => open[service].handle(request, response));
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
