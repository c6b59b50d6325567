import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { type Backend, ConsoleError } from "./backend.ts";
import { PatternRefused } from "./pattern-lines.ts";
import { type Context, findRoute } from "./routes.ts";
import { stream } from "./stream.ts";
import type { Refusal } from "./types.ts";

/** Where the API is, below the console's path. */
export const API_PATH = "/console/api/";

/** The page sends the token of its own address with each request. */
export const TOKEN_HEADER = "x-console-token";

const MAX_BODY_BYTES = 64 * 1_024;

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
} as const;

const digest = (value: string): Buffer => createHash("sha256").update(value).digest();

/** Takes the same time for each wrong token. */
const isToken = (given: unknown, token: string): boolean =>
  typeof given === "string" && timingSafeEqual(digest(given), digest(token));

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...HEADERS, "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Throws `ConsoleError`: a form or a script of another page can't send JSON unasked. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  if (request.method === "GET") return undefined;
  if (request.headers["content-type"] !== "application/json")
    throw new ConsoleError(415, "Send JSON, with the header Content-Type: application/json");
  if (Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY) > MAX_BODY_BYTES)
    throw new ConsoleError(413, `Send ${MAX_BODY_BYTES} bytes at most, with their number in Content-Length`);
  try {
    return JSON.parse(await text(request));
  } catch (cause) {
    throw new ConsoleError(400, "The body isn't JSON", { cause });
  }
}

/** The status and the sentence for what was thrown. */
function refusalOf(error: unknown): { status: number; body: Refusal } {
  if (error instanceof ConsoleError) return { status: error.status, body: { message: error.message } };
  if (error instanceof PatternRefused) return { status: 400, body: { message: error.message } };
  if (error instanceof z.ZodError) return { status: 400, body: { message: z.prettifyError(error) } };
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { status: 500, body: { message: `${name}: ${message}` } };
}

/** Answers requests below `API_PATH` that have the token. Never throws. */
export function consoleApi(backend: Backend, token: string) {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!isToken(request.headers[TOKEN_HEADER], token))
      throw new ConsoleError(401, "Open the console at the address that was printed at its start: it has a token");
    const url = new URL(request.url ?? "", "http://console");
    const path = url.pathname.slice(API_PATH.length);
    if (request.method === "GET" && path === "stream") return stream(backend, response, HEADERS);
    const found = findRoute(request.method ?? "", path);
    if (found === undefined) throw new ConsoleError(404, `There is no ${request.method} ${url.pathname}`);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const context: Context = {
      backend,
      id: found.id,
      query: url.searchParams,
      body: await bodyOf(request),
      host: request.headers.host ?? "",
      signal: gone.signal,
    };
    sendJson(response, 200, await found.answer(context));
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await answer(request, response);
    } catch (error) {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const { status, body } = refusalOf(error);
      request.resume();
      sendJson(response, status, body);
    }
  };
}
