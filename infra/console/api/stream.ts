import type { ServerResponse } from "node:http";
import type { Backend } from "./backend.ts";
import type { Message } from "./types.ts";

/** A page that receives nothing for longer than this, in milliseconds, knows that it's offline. */
const HEARTBEAT_MS = 10_000;

/** Changes of documents within this time, in milliseconds, are sent as one. */
const CHANGES_MS = 250;

/**
 * Sends what happens as server-sent events until the page goes away:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function stream(backend: Backend, response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
  const send = (message: Message): void => void response.write(`data: ${JSON.stringify(message)}\n\n`);
  let change: NodeJS.Timeout | undefined;
  const stop = backend.listen((message) => {
    if (message.type !== "documents") return send(message);
    change ??= setTimeout(() => {
      change = undefined;
      send(message);
    }, CHANGES_MS);
  });
  const heartbeat = setInterval(() => response.write(": alive\n\n"), HEARTBEAT_MS);
  response.write(": open\n\n");
  response.once("close", () => {
    stop();
    clearInterval(heartbeat);
    clearTimeout(change);
  });
}
