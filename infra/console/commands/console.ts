import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { print } from "../../command-line/lines.ts";
import { parseCommandLine } from "../../command-line/parse.ts";
import { UsageError } from "../../command-line/run.ts";
import { PortInUseError } from "../../emulator/front.ts";
import { reasonToRefuse, refuse } from "../../emulator/refusals.ts";
import { loadSettings } from "../../local/project.ts";
import type { Backend } from "../api/backend.ts";
import { CONSOLE_PATH, type ConsoleService, consoleAddress, consoleService, newToken } from "../service.ts";
import { stageBackend } from "../stage/backend.ts";

const DEFAULT_PORT = 4567;

const HELP = `npx video-split console --stage NAME [options]

Opens a page on this machine that looks into a deployed stage, with the AWS credentials of the environment, until Ctrl-C: its
videos, segments, documents and dead letters. It only reads, until you confirm a redrive or a request. The page of the local
stack is served by "npx video-split start".

  --stage NAME  the stage
  --port N      the page's port on loopback (default: ${DEFAULT_PORT})

Example:
  npx video-split console --stage production
`;

const OPTIONS = {
  stage: { type: "string" },
  port: { type: "string", default: String(DEFAULT_PORT) },
  help: { type: "boolean", short: "h", default: false },
} as const;

export type Served = { address: string; close(): Promise<void> };

/** Serves a console on loopback, to this machine's own pages only. Throws `PortInUseError`. */
export async function serveConsole(backend: Backend, port: number): Promise<Served> {
  const token = newToken();
  const service: ConsoleService = consoleService(backend, token, "s3");
  const server = createServer((request, response) => {
    const reason = reasonToRefuse(request, () => false);
    if (reason !== undefined) return refuse(request, response, "own", reason);
    if (request.url === "/") return void response.writeHead(302, { location: CONSOLE_PATH }).end();
    service.handle(request, response);
  });
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new PortInUseError(`Port ${port} is in use. Choose another one: --port ${port + 1}`, { cause });
  }
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address: consoleAddress(endpoint, token),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs `npx video-split console`. Returns the exit code. */
export async function main(args: string[], stopping: AbortSignal): Promise<number> {
  const { values } = parseCommandLine("console", { args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.stage === undefined)
    throw new UsageError("Specify --stage NAME. The local stack's console is served by npx video-split start");
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError(`--port is "${values.port}"; it must be a number from 0 to 65535`);
  const backend = stageBackend(values.stage, await loadSettings(values.stage));
  // Credentials and the stage are checked before a page is opened.
  await backend.about();
  const served = await serveConsole(backend, port);
  print(`The console of stage ${values.stage}: ${served.address}`, "Ctrl-C stops it");
  try {
    if (!stopping.aborted) await once(stopping, "abort");
  } finally {
    await served.close();
  }
  return 0;
}
