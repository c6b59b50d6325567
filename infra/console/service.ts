import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Backend } from "./api/backend.ts";
import { API_PATH, consoleApi } from "./api/http.ts";
import { pageFiles } from "./page-files.ts";

export const CONSOLE_PATH = "/console";

/** Something that nobody can guess. */
export const newToken = (): string => randomBytes(24).toString("base64url");

/** The address of the page. What is behind the "#" isn't sent, and stays in the browser. */
export const consoleAddress = (endpoint: string, token: string): string => `${endpoint}${CONSOLE_PATH}#${token}`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Video Split</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/console/assets/console.css">
<script type="module" src="/console/assets/main.js"></script>
</head>
<body><div id="console"><p class="loading">Loading the console…</p></div>
<noscript>The console needs JavaScript.</noscript></body>
</html>
`;

/** Media of a deployed stage come from S3, by signed addresses. */
const S3_HOSTS = "https://*.amazonaws.com";

/**
 * Only the console's own script and style, nothing inline, and no frame around it. An object in S3
 * is of the same origin locally: so scripts are allowed by their path.
 */
function policyOf(host: string, media: "local" | "s3"): string {
  const assets = `http://${host}/console/assets/`;
  const places = media === "s3" ? S3_HOSTS : "'self'";
  return [
    "default-src 'none'",
    `script-src ${assets}`,
    `style-src ${assets}`,
    `img-src data: ${places}`,
    `media-src ${places}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

const HEADERS = {
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

export type ConsoleService = { handle(request: IncomingMessage, response: ServerResponse): void };

/**
 * Serves the page and its API at `CONSOLE_PATH` and below. Who calls it has to refuse other hosts
 * and origins first. The page's own files need no token: they contain nothing.
 */
export function consoleService(backend: Backend, token: string, media: "local" | "s3"): ConsoleService {
  const api = consoleApi(backend, token);
  const send = (response: ServerResponse, type: string, body: string | Uint8Array, more: Record<string, string> = {}) =>
    void response.writeHead(200, { ...HEADERS, ...more, "content-type": type }).end(body);
  const sendPage = async ({ url = "", headers, method }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path] = url.split("?");
    if (method !== "GET") return void response.writeHead(405, { ...HEADERS, allow: "GET" }).end();
    if (path === CONSOLE_PATH || path === `${CONSOLE_PATH}/`) {
      const policy = { "content-security-policy": policyOf(headers.host ?? "", media) };
      return send(response, "text/html; charset=utf-8", PAGE, policy);
    }
    const { script, style } = await pageFiles();
    if (path === `${CONSOLE_PATH}/assets/main.js`) return send(response, "text/javascript; charset=utf-8", script);
    if (path === `${CONSOLE_PATH}/assets/console.css`) return send(response, "text/css; charset=utf-8", style);
    response.writeHead(404, HEADERS).end();
  };
  return {
    handle: (request, response) => {
      request.on("error", () => {});
      if ((request.url ?? "").startsWith(API_PATH)) return void api(request, response);
      sendPage(request, response).catch((error: Error) => {
        if (!response.headersSent) response.writeHead(500, { ...HEADERS, "content-type": "text/plain; charset=utf-8" });
        response.end(`The page can't be built: ${error.message}`);
      });
    },
  };
}
