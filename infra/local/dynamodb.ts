import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import dynalite from "dynalite";

export type LocalDynamoDB = {
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
};

/** dynalite closes its store with its server, and a server only when it listens: so it does for a moment, where nobody can call. */
async function close(server: Server): Promise<void> {
  const sockets = await mkdtemp(join(tmpdir(), "video-split-dynamodb-"));
  try {
    server.listen(join(sockets, "socket"));
    await once(server, "listening");
    await new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
  } finally {
    await rm(sockets, { recursive: true, force: true });
  }
}

/** dynalite, with its tables in `directory`. Requests come through the stack's one port. */
export function openDynamoDB(directory: string): LocalDynamoDB {
  const server: Server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return {
    handle: (request, response) => void server.emit("request", request, response),
    close: () => close(server),
  };
}
