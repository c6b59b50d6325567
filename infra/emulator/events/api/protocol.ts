import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { EventBridgeException } from "../exceptions.ts";
import { InvalidEventPatternException } from "../pattern/index.ts";
import type { Api } from "./operation.ts";
import { operations } from "./operations.ts";

/** Enough for 1 MB of entries with escaped JSON text. */
const MAX_BODY_BYTES = 8 * 1_048_576;

const TARGET_PREFIX = "AWSEvents.";

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  // After the body: a client that is still sending doesn't read a response.
  if (bytes > MAX_BODY_BYTES) {
    throw new EventBridgeException("RequestEntityTooLargeException", `A request has ${MAX_BODY_BYTES} bytes at most.`);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The input without members that are null: some clients omit members in this way. */
function inputIn(body: string): unknown {
  try {
    return JSON.parse(body === "" ? "{}" : body, (_, value) => value ?? undefined);
  } catch {
    throw new EventBridgeException("SerializationException", "The request's body is not valid JSON.");
  }
}

async function run(request: IncomingMessage, api: Api): Promise<object> {
  const body = await bodyOf(request);
  const target = String(request.headers["x-amz-target"] ?? "");
  const name = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : target;
  const operation = operations.get(name);
  if (operation === undefined) {
    throw new EventBridgeException("UnknownOperationException", `The local EventBridge has no operation "${name}".`);
  }
  return operation(inputIn(body), api);
}

const STATUS: ReadonlyMap<string, number> = new Map(
  Object.entries({ InternalException: 500, RequestEntityTooLargeException: 413 }),
);

type Answer = { status: number; body: object };

function refusal(error: unknown): Answer {
  const code =
    error instanceof EventBridgeException
      ? error.code
      : error instanceof InvalidEventPatternException
        ? error.name
        : "InternalException";
  const message = error instanceof Error ? error.message : String(error);
  return { status: STATUS.get(code) ?? 400, body: { __type: code, message } };
}

/**
 * Answers one request in AWS JSON 1.1:
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export async function answer(request: IncomingMessage, response: ServerResponse, api: Api): Promise<void> {
  const { status, body } = await run(request, api).then((output): Answer => ({ status: 200, body: output }), refusal);
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    "content-type": "application/x-amz-json-1.1",
    "content-length": bytes.length,
    "x-amzn-requestid": randomUUID(),
  });
  response.end(bytes);
}
