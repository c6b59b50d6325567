import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import dynalite from "dynalite";
import { damaged } from "./damage.ts";
import { refusedByDisk } from "./disk.ts";
import { checkLevelDb } from "./leveldb-check.ts";

export type LocalDynamoDB = {
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
};

/**
 * dynalite closes its store only with a listening server, so it listens for a moment on a socket
 * without clients.
 */
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

/**
 * Opens the store before dynalite does, because dynalite's errors can't be caught and have no
 * cause.
 */
async function tryToOpen(directory: string): Promise<void> {
  const store = new ClassicLevel(directory);
  try {
    await store.open();
    await store.close();
  } catch (error) {
    const { cause = error } = error as Error;
    const refused = refusedByDisk(cause, join(directory, "CURRENT"));
    if (refused !== cause) throw refused;
    if ((cause as { code?: string }).code !== "LEVEL_CORRUPTION") throw cause;
    throw damaged(join(directory, "CURRENT"), (cause as Error).message, { toMove: directory, cause });
  }
}

/**
 * dynalite, with its tables in `directory`, which must exist. Requests come through the stack's one
 * port. Throws `DamagedStateError` and `DiskFullError`.
 */
export async function openDynamoDB(directory: string): Promise<LocalDynamoDB> {
  checkLevelDb(directory);
  await tryToOpen(directory);
  const server: Server = dynalite({ path: directory, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return {
    handle: (request, response) => void server.emit("request", request, response),
    close: () => close(server),
  };
}
